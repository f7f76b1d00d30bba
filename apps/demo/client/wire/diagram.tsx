// The sequence diagram: two lifelines, and between them the steps from top to bottom.

import { memo, type ReactElement, useState } from 'react';
import type { WireEnd, WireFrame } from '../../shared/wire.js';
import { frameHeaderBytes } from '../../shared/wire.js';
import { opcodeName } from './describe.js';
import styles from './diagram.module.css';
import { Exchanges } from './exchange.js';
import { Handshake } from './handshake.js';
import { pretty } from './pretty.js';
import type { SeenFrame, Step } from './steps.js';
import { bytes, clockTime, since } from './units.js';

export function Diagram({ steps }: { steps: readonly Step[] }): ReactElement {
  return (
    <ol className={styles.diagram}>
      {steps.map((step) => (
        <li key={step.key} className={styles.step}>
          <StepView step={step} />
        </li>
      ))}
    </ol>
  );
}

function StepView({ step }: { step: Step }): ReactElement {
  switch (step.kind) {
    case 'open':
      return <Handshake event={step.event} />;
    case 'frame':
      return <Frame frame={step.event} sinceMs={step.sinceMs} />;
    case 'run':
      return <Run {...step} />;
    case 'end':
      return <End end={step.event} />;
    case 'exchanges':
      return <Exchanges step={step} />;
  }
}

interface FrameProps {
  readonly frame: SeenFrame;
  readonly sinceMs: number | undefined;
}

const Frame = memo(
  function Frame({ frame, sinceMs }: FrameProps): ReactElement {
    const [open, setOpen] = useState(false);
    const { label, content } = frame.said;
    return (
      <div className={styles.frame} data-direction={frame.direction} data-control={frame.opcode >= 8}>
        <button className={styles.row} type="button" aria-expanded={open} onClick={() => setOpen(!open)}>
          <span className={styles.label}>
            <Way direction={frame.direction} />
            <span className={styles.kind}>{label}</span>
            <span className={styles.facts}>
              {frame.opcode < 8 && `${opcodeName(frame.opcode)} · `}
              {bytes(frame.payloadBytes)}
              {sinceMs !== undefined && ` · ${since(sinceMs)}`}
            </span>
          </span>
          <span className={styles.arrow} aria-hidden="true" />
          {content !== '' && !open && <code className={styles.content}>{content}</code>}
        </button>
        {open && <Details frame={frame} />}
      </div>
    );
  },
  // Events never change, and one's key is its identity.
  (before, after) => before.frame === after.frame && before.sinceMs === after.sinceMs,
);

/** Said for those who do not see the arrow. */
function Way({ direction }: { direction: WireFrame['direction'] | 'both' }): ReactElement {
  const words = { in: 'Client to server:', out: 'Server to client:', both: 'Both ways:' }[direction];
  return <span className="hidden">{words} </span>;
}

function Details({ frame }: { frame: WireFrame }): ReactElement {
  const header = frameHeaderBytes(frame.direction, frame.payloadBytes);
  return (
    <div className={styles.details}>
      <p className={styles.facts}>
        {clockTime(frame.at)} · opcode 0x{frame.opcode.toString(16)} {opcodeName(frame.opcode)} · FIN{' '}
        {frame.fin ? 1 : 0} · header {header} B{frame.direction === 'in' && ', masked'} · payload{' '}
        {frame.payloadBytes.toLocaleString('en')} B
      </p>
      {frame.preview !== '' && (
        <pre className={styles.payload}>
          {frame.opcode === 1 ? pretty(frame.preview) : frame.preview}
          {frame.cut && '\n… the rest is not kept'}
        </pre>
      )}
    </div>
  );
}

type RunProps = Extract<Step, { kind: 'run' }>;

/** Equal frames in a row: one arrow, and behind it each of them. */
function Run({ label, content, events: frames, sinceMs }: RunProps): ReactElement {
  const [open, setOpen] = useState(false);
  const first = frames[0];
  const direction = frames.every((frame) => frame.direction === first?.direction) ? first?.direction : 'both';
  const total = frames.reduce((sum, frame) => sum + frame.payloadBytes, 0);
  return (
    <>
      <div className={styles.frame} data-direction={direction} data-control={(first?.opcode ?? 0) >= 8}>
        <button className={styles.row} type="button" aria-expanded={open} onClick={() => setOpen(!open)}>
          <span className={styles.label}>
            <Way direction={direction ?? 'both'} />
            <span className={styles.kind}>{label}</span>
            <span className={styles.facts}>
              {bytes(total)}
              {sinceMs !== undefined && ` · ${since(sinceMs)}`}
            </span>
          </span>
          <span className={styles.arrow} data-run="true" aria-hidden="true">
            {direction === 'both' && <span className={styles.back} />}
          </span>
          {content !== '' && !open && <code className={styles.content}>{content}</code>}
        </button>
      </div>
      {open && (
        <ol className={styles.run}>
          {frames.map((frame, index) => (
            <li key={frame.key}>
              <Frame frame={frame} sinceMs={index === 0 ? sinceMs : frame.at - (frames[index - 1]?.at ?? frame.at)} />
            </li>
          ))}
        </ol>
      )}
    </>
  );
}

function End({ end }: { end: WireEnd }): ReactElement {
  return (
    <p className={styles.end} data-clean={end.wasClean} title={clockTime(end.at)}>
      <span>
        closed {end.code}, {end.wasClean ? 'acknowledged' : 'not acknowledged'}
      </span>
    </p>
  );
}
