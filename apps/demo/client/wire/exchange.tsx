// An HTTP request and its answer between the lifelines, as two arrows. Behind them both heads and bodies; polls that are alike are one.

import { type ReactElement, useState } from 'react';
import diagram from './diagram.module.css';
import styles from './exchange.module.css';
import { pretty } from './pretty.js';
import { askOf, type ExchangesStep } from './steps.js';
import { bytes, clockTime, duration, since } from './units.js';

type Exchange = ExchangesStep['events'][number];

export function Exchanges({ step: { events, sinceMs } }: { step: ExchangesStep }): ReactElement {
  const [open, setOpen] = useState(false);
  const [first] = events;
  if (first === undefined) return <span />;
  const sum = (of: (event: Exchange) => number) => events.reduce((total, event) => total + of(event), 0);
  const count = events.length === 1 ? '' : ` × ${events.length}`;
  const [request, answer] = [sum((event) => event.requestBytes), sum((event) => event.responseBytes)];
  const bodies = sum((event) => event.requestBodyBytes + event.responseBodyBytes);
  return (
    <>
      <button
        className={`${diagram.row} ${styles.pair}`}
        type="button"
        aria-expanded={open}
        onClick={() => setOpen(!open)}
      >
        <span className={diagram.frame} data-direction="in">
          <span className={diagram.label}>
            <span className="hidden">Client to server: </span>
            <span className={diagram.kind}>
              {shortAsk(first)}
              {count}
            </span>
            <span className={diagram.facts}>
              {bytes(request)}
              {sinceMs !== undefined && ` · ${since(sinceMs)}`}
            </span>
          </span>
          <span className={diagram.arrow} aria-hidden="true" />
        </span>
        <span className={diagram.frame} data-direction="out">
          <span className={diagram.label}>
            <span className="hidden">Server to client: </span>
            <span className={diagram.kind}>
              {statusOf(first)}
              {count}
            </span>
            <span className={diagram.facts}>
              {bytes(answer)} · {bytes(bodies)} of content
            </span>
          </span>
          <span className={diagram.arrow} aria-hidden="true" />
        </span>
      </button>
      {open && events.map((event) => <Details key={event.key} event={event} />)}
    </>
  );
}

function Details({ event }: { event: Exchange }): ReactElement {
  return (
    <div className={styles.details}>
      <p className={styles.facts}>
        {clockTime(event.at)} · answered in {duration(event.tookMs)}
      </p>
      <Message
        name="Request"
        head={event.requestHead}
        body={event.requestBody}
        size={event.requestBytes}
        bodySize={event.requestBodyBytes}
      />
      <Message
        name="Answer"
        head={event.responseHead}
        body={event.responseBody}
        size={event.responseBytes}
        bodySize={event.responseBodyBytes}
      />
    </div>
  );
}

interface MessageProps {
  readonly name: string;
  readonly head: string;
  readonly body: string;
  readonly size: number;
  readonly bodySize: number;
}

function Message({ name, head, body, size, bodySize }: MessageProps): ReactElement {
  return (
    <>
      <p className={styles.facts}>
        {name}: head {(size - bodySize).toLocaleString('en')} B, body {bodySize.toLocaleString('en')} B
      </p>
      <pre className={styles.message}>
        {head}
        {body !== '' && `\n\n${pretty(body)}`}
        {new TextEncoder().encode(body).length < bodySize && '\n… the rest is not kept'}
      </pre>
    </>
  );
}

/** "GET entries", "PUT markers", "DELETE reactions": where it is asked stands in the page's address. */
function shortAsk(event: Exchange): string {
  const ask = askOf(event);
  const method = ask.slice(0, ask.indexOf(' '));
  const parts = ask.slice(method.length + 1).split('/');
  return `${method} ${parts.findLast((part) => PLACES.has(part)) ?? parts.at(-1)}`;
}

/** The last words of the HTTP API's paths, before what names one thing. */
const PLACES: ReadonlySet<string> = new Set(['entries', 'reactions', 'presence', 'markers', 'unread', 'search']);

/** "304 Not Modified" */
function statusOf({ responseHead, status }: Exchange): string {
  return /^HTTP\S+ (.*)/.exec(responseHead)?.[1] ?? String(status);
}
