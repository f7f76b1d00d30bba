// The rooms, with what is unread in each, and a way into any other.

import { type ReactElement, useEffect, useId, useState } from 'react';
import { checkName } from '../../shared/names.js';
import { go, Link } from '../router.js';
import { Icon } from '../shell/icons.js';
import { useUnread } from '../trunkline.js';
import { useBeside } from './beside.js';
import styles from './room-list.module.css';
import { roomAddress, rooms, type Way } from './rooms.js';

export function RoomList({ room, way }: { room: string; way: Way }): ReactElement {
  const [name, setName] = useState('');
  const [error, setError] = useState<string>();
  const id = useId();
  return (
    <nav className={styles.rooms} aria-label="Rooms">
      <h2 className={styles.title}>Rooms</h2>
      <ul className={styles.list}>
        {rooms(room).map((each) => (
          <RoomLink key={each} room={each} way={way} isCurrent={each === room} />
        ))}
      </ul>
      <form
        className={styles.form}
        onSubmit={(event) => {
          event.preventDefault();
          const checked = checkName(name);
          if ('problem' in checked) return setError(checked.problem.replace('A name', 'A room'));
          setName('');
          go(roomAddress(checked.name, way));
        }}
      >
        <input
          className={`field ${styles.field}`}
          aria-label="Another room"
          placeholder="Another room"
          value={name}
          aria-invalid={error !== undefined}
          aria-describedby={error === undefined ? undefined : `${id}-error`}
          onChange={(event) => {
            setName(event.target.value);
            setError(undefined);
          }}
        />
        <button className="button icon" type="submit" aria-label="Go to the room" title="Go to the room">
          <Icon name="plus" />
        </button>
        {error !== undefined && (
          <p className={styles.error} id={`${id}-error`} role="alert">
            {error}
          </p>
        )}
      </form>
    </nav>
  );
}

interface RoomLinkProps {
  readonly room: string;
  readonly way: Way;
  readonly isCurrent: boolean;
}

function RoomLink({ room, way, isCurrent }: RoomLinkProps): ReactElement {
  const { unread, more, follow } = useUnread(useBeside(room, way));
  useEffect(() => {
    // Counted from now on, without being open. Who may not has no number, and all the rest.
    follow().catch(() => {});
  }, [follow]);
  const count = more ? '99+' : String(unread);
  return (
    <li className={styles.item}>
      <Link href={roomAddress(room, way)} className={styles.link} aria-current={isCurrent ? 'page' : undefined}>
        <span className={styles.hash} aria-hidden="true">
          #
        </span>
        <span className={styles.name}>{room}</span>
        {unread > 0 && !isCurrent && (
          <span className={styles.unread}>
            <span aria-hidden="true">{count}</span>
            <span className="hidden">{more ? 'more than 99' : unread} unread</span>
          </span>
        )}
      </Link>
    </li>
  );
}
