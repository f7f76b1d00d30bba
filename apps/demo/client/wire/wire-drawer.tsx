// The wire made visible: a sequence diagram of one client and the server, as the server saw it.

import { type CSSProperties, type ReactElement, type RefObject, useEffect, useMemo, useRef, useState } from 'react';
import type { DemoClient } from '../clients.js';
import { Icon } from '../shell/icons.js';
import { Choices } from './choices.js';
import { asText, copyText } from './copy-text.js';
import { Diagram } from './diagram.js';
import { type Filter, type SeenEvent, stepsOf } from './steps.js';
import { Totals } from './totals.js';
import { useDrawerWidth } from './use-drawer-width.js';
import styles from './wire-drawer.module.css';
import { useWire, type WireView, wireSource } from './wire-source.js';

const EVERYTHING: Filter = { text: '', kind: '', stream: '' };

interface WireDrawerProps {
  /** The page's clients; the drawer shows one of them. */
  readonly clients: readonly DemoClient[];
  readonly onClose: () => void;
}

export function WireDrawer({ clients, onClose }: WireDrawerProps): ReactElement {
  const [role, setRole] = useState(clients[0]?.role);
  const client = clients.find((each) => each.role === role) ?? clients[0];
  // What is shown stays chosen: one who leaves the chat with the drawer open sees its connection close.
  const shown = client?.role;
  useEffect(() => setRole(shown), [shown]);
  const { width, min, max, handle } = useDrawerWidth();
  return (
    <aside className={styles.drawer} aria-label="Wire" style={{ '--drawer-width': `${width}px` } as CSSProperties}>
      {/* biome-ignore lint/a11y/useSemanticElements: a separator that can be moved, which <hr> is not */}
      <div
        className={styles.edge}
        role="separator"
        aria-orientation="vertical"
        aria-label="Width of the Wire"
        aria-valuenow={width}
        aria-valuemin={min}
        aria-valuemax={max}
        tabIndex={0}
        {...handle}
      />
      <div className={styles.bar}>
        <h2 className={styles.title}>Wire</h2>
        {clients.length > 1 && (
          <fieldset className={styles.choice} aria-label="Client">
            {clients.map((each) => (
              <button
                key={each.role}
                type="button"
                className={styles.option}
                aria-pressed={each.role === client?.role}
                onClick={() => setRole(each.role)}
              >
                {each.label}
              </button>
            ))}
          </fieldset>
        )}
        <button className="button quiet icon" type="button" aria-label="Close the Wire" title="Close" onClick={onClose}>
          <Icon name="close" />
        </button>
      </div>
      {client === undefined ? (
        <p className={styles.nothing}>This page has no connection.</p>
      ) : (
        <Wire key={client.wireId} wireId={client.wireId} />
      )}
    </aside>
  );
}

function Wire({ wireId }: { wireId: string }): ReactElement {
  const live = useWire(wireId);
  const [held, setHeld] = useState<WireView>();
  const [filter, setFilter] = useState<Filter>(EVERYTHING);
  const [note, setNote] = useState<string>();
  const view = held ?? live;
  const steps = useMemo(() => stepsOf(view.events, filter), [view.events, filter]);
  const scroller = useFollowed(view.events);
  useEffect(() => {
    if (note === undefined) return;
    const timer = setTimeout(() => setNote(undefined), 4000);
    return () => clearTimeout(timer);
  }, [note]);

  const copy = () => {
    copyText(asText(view.events)).then(
      () => setNote('Copied.'),
      (error: unknown) => setNote(error instanceof Error ? error.message : 'The browser did not allow it.'),
    );
  };
  const clear = () => {
    wireSource(wireId).clear();
    if (held !== undefined) setHeld({ ...held, events: [] });
  };

  return (
    <>
      <div className={styles.tools}>
        <input
          className={`field ${styles.filter}`}
          type="search"
          aria-label="Filter frames"
          placeholder="Filter: publish, ping, in, out"
          value={filter.text}
          onChange={(event) => setFilter({ ...filter, text: event.target.value })}
        />
        <Tool
          label={held ? 'Resume' : 'Pause'}
          icon={held ? 'play' : 'pause'}
          pressed={held !== undefined}
          onClick={() => setHeld(held ? undefined : live)}
        />
        <Tool label="Clear" icon="clear" onClick={clear} />
        <Tool label="Copy" icon="copy" onClick={copy} />
      </div>
      <Choices events={view.events} filter={filter} onChange={setFilter} />
      <div className={styles.heads} aria-hidden="true">
        <span>Client</span>
        <span>Server</span>
      </div>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls must be reachable by keyboard */}
      <section ref={scroller} className={styles.scroller} aria-label="Frames between client and server" tabIndex={0}>
        {steps.length === 0 ? <p className={styles.nothing}>{emptyWords(view, filter)}</p> : <Diagram steps={steps} />}
      </section>
      <div className={styles.foot}>
        <p role="status">
          {note ??
            (held === undefined
              ? ''
              : `Paused: ${live.events.length > held.events.length || live.totals !== held.totals ? 'newer frames are waiting.' : 'nothing new.'}`)}
        </p>
        <Totals totals={live.totals} />
      </div>
    </>
  );
}

function emptyWords(view: WireView, { text, kind, stream }: Filter): string {
  if (view.events.length > 0) {
    const what = [kind, stream === '' ? '' : `of ${stream}`].filter((part) => part !== '').join(' ');
    if (text.trim() === '') return `No frame here is ${what}.`;
    return `No frame${what === '' ? '' : ` that is ${what}`} has “${text.trim()}” in it.`;
  }
  if (view.state === 'waiting') return 'Waiting for the server.';
  return view.totals.framesIn + view.totals.framesOut > 0
    ? 'Cleared. New frames appear here.'
    : 'Nothing has travelled yet.';
}

interface ToolProps {
  readonly label: string;
  readonly icon: 'pause' | 'play' | 'clear' | 'copy';
  readonly pressed?: boolean;
  readonly onClick: () => void;
}

function Tool({ label, icon, pressed, onClick }: ToolProps): ReactElement {
  return (
    <button
      className="button quiet icon"
      type="button"
      aria-label={label}
      title={label}
      data-on={pressed}
      onClick={onClick}
    >
      <Icon name={icon} />
    </button>
  );
}

/** Follows the newest frame, unless one has scrolled up to read. */
function useFollowed(events: readonly SeenEvent[]): RefObject<HTMLElement | null> {
  const scroller = useRef<HTMLElement>(null);
  const following = useRef(true);
  useEffect(() => {
    const { current } = scroller;
    if (current === null) return;
    const look = () => {
      following.current = current.scrollHeight - current.scrollTop - current.clientHeight < 40;
    };
    current.addEventListener('scroll', look, { passive: true });
    return () => current.removeEventListener('scroll', look);
  }, []);
  // biome-ignore lint/correctness/useExhaustiveDependencies: moves with the events
  useEffect(() => {
    const { current } = scroller;
    if (current !== null && following.current) current.scrollTop = current.scrollHeight;
  }, [events]);
  return scroller;
}
