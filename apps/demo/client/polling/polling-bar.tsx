// Above a room that is polled: how often, and the way to the same room over a WebSocket.

import { type ReactElement, useId, useState } from 'react';
import { roomAddress } from '../chat/rooms.js';
import { Link } from '../router.js';
import styles from './polling-bar.module.css';
import type { Polling } from './polling-socket.js';

const INTERVALS_MS = [250, 500, 1_000, 2_000, 5_000, 15_000];

export function PollingBar({ room, polling }: { room: string; polling: Polling }): ReactElement {
  const [intervalMs, setIntervalMs] = useState(polling.intervalMs);
  const id = useId();
  return (
    <p className={styles.bar}>
      <label htmlFor={id}>This room is asked for what is new every</label>
      <select
        id={id}
        className="field"
        value={intervalMs}
        onChange={(event) => {
          polling.intervalMs = Number(event.target.value);
          setIntervalMs(polling.intervalMs);
        }}
      >
        {INTERVALS_MS.map((ms) => (
          <option key={ms} value={ms}>
            {ms / 1_000} s
          </option>
        ))}
      </select>
      <span>
        The Wire shows what that costs; so does <Link href={roomAddress(room)}>the same room over a WebSocket</Link>.
        Who is typing has no way over HTTP and is left out.
      </span>
    </p>
  );
}
