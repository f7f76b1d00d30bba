// Where an order is placed. It is sent so that it runs once, however often the connection is lost before the answer; the answer says what became of it and how
// long that took, measured here.

import type { CallError } from '@trunkline/client';
import { type ReactElement, useId, useRef, useState } from 'react';
import { ORDER_QUANTITY_MAX, type Side } from '../../shared/market.js';
import { milliseconds } from '../shell/connection-words.js';
import { Icon } from '../shell/icons.js';
import { useConnection, useLine } from '../trunkline.js';
import { checkQuantity } from './check-quantity.js';
import styles from './order-ticket.module.css';
import { count, money, priceText } from './words.js';

interface OrderTicketProps {
  readonly symbol: string;
  readonly digits: number;
}

/** Of the newest order. */
type Outcome =
  | { readonly kind: 'sending'; readonly words: string }
  | { readonly kind: 'done' | 'failed' | 'unknown'; readonly words: string; readonly detail: string };

export function OrderTicket({ symbol, digits }: OrderTicketProps): ReactElement {
  const line = useLine();
  const isLive = useConnection(({ state }) => state === 'live');
  const [text, setText] = useState('10');
  const [problem, setProblem] = useState<string>();
  const [outcome, setOutcome] = useState<Outcome>();
  const field = useRef<HTMLInputElement>(null);
  const newest = useRef(0);
  const id = useId();

  const place = async (side: Side) => {
    const checked = checkQuantity(text, field.current?.validity.badInput);
    if ('problem' in checked) {
      setProblem(checked.problem);
      setOutcome(undefined);
      return field.current?.focus();
    }
    const { quantity } = checked;
    newest.current += 1;
    const mine = newest.current;
    const show = (now: Outcome) => {
      if (mine === newest.current) setOutcome(now);
    };
    const order = `${side === 'buy' ? 'Buy' : 'Sell'} ${count(quantity)} ${symbol}`;
    setProblem(undefined);
    show({ kind: 'sending', words: `${order}: on its way` });
    const sentMs = performance.now();
    const took = () => milliseconds(performance.now() - sentMs);
    try {
      const { price, valueMicros } = await line.call.placeOrder({ symbol, side, quantity }, { once: true });
      const verb = side === 'buy' ? 'Bought' : 'Sold';
      show({
        kind: 'done',
        words: `${verb} ${count(quantity)} ${symbol} at ${priceText(price, digits)}: ${money(valueMicros)} USD`,
        detail: `Confirmed in ${took()}`,
      });
    } catch (error) {
      show(failureOf(error as CallError<string>, order, took()));
    }
  };

  return (
    <section className={styles.card} aria-labelledby={`${id}-title`}>
      <h2 className={styles.title} id={`${id}-title`}>
        Order <span className={styles.symbol}>{symbol}</span>
      </h2>
      <form className={styles.form} noValidate onSubmit={(event) => event.preventDefault()}>
        <label className={styles.label} htmlFor={id}>
          Quantity
        </label>
        <input
          ref={field}
          id={id}
          className={`field ${styles.field}`}
          type="number"
          inputMode="numeric"
          min={1}
          max={ORDER_QUANTITY_MAX}
          step={1}
          autoComplete="off"
          value={text}
          aria-invalid={problem !== undefined}
          aria-describedby={problem === undefined ? undefined : `${id}-problem`}
          onChange={(event) => {
            setText(event.target.value);
            setProblem(undefined);
          }}
        />
        <button className={`button ${styles.buy}`} type="button" onClick={() => place('buy')}>
          Buy
        </button>
        <button className={`button ${styles.sell}`} type="button" onClick={() => place('sell')}>
          Sell
        </button>
      </form>
      {problem !== undefined && (
        <p className={styles.problem} id={`${id}-problem`} role="alert">
          <Icon name="alert" /> {problem}
        </p>
      )}
      <p className={styles.outcome} role="status" data-kind={outcome?.kind ?? 'none'}>
        {outcome !== undefined && (
          <>
            <Icon name={outcome.kind === 'done' ? 'check' : outcome.kind === 'sending' ? 'clock' : 'alert'} />
            <span>
              {outcome.words}
              {outcome.kind === 'sending' &&
                (isLive ? '.' : ', as soon as the connection is back. It is executed once.')}
              {outcome.kind !== 'sending' && <span className={styles.detail}>{outcome.detail}.</span>}
            </span>
          </>
        )}
      </p>
    </section>
  );
}

function failureOf(error: CallError<string>, order: string, took: string): Outcome {
  if (error.outcome === 'unknown') {
    return {
      kind: 'unknown',
      words: `${order}: nobody can tell whether it was executed. Look at your positions before you send it again.`,
      detail: `No answer in ${took}`,
    };
  }
  const reason = error.code === 'refused' ? error.message : `The server did not take it: ${error.message}.`;
  return { kind: 'failed', words: reason, detail: `Not executed, answered in ${took}` };
}
