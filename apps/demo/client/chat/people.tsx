// Who is here: a column where there is room for one, else a number that opens the list.

import { type ReactElement, useEffect, useId, useState } from 'react';
import { Icon } from '../shell/icons.js';
import { usePresence } from '../trunkline.js';
import { Avatar } from './avatar.js';
import { useBeside } from './beside.js';
import styles from './people.module.css';
import { useRoom } from './room.js';
import type { Way } from './rooms.js';

export function People({ selfId, way }: { selfId: string | undefined; way: Way }): ReactElement {
  const { name, names } = useRoom();
  const { people, count, state } = usePresence(useBeside(name, way));
  const [isOpen, setIsOpen] = useState(false);
  const id = useId();
  useEffect(() => names.learn(people.map(({ user }) => user)), [names, people]);
  const hidden = count - people.length;
  return (
    <section className={styles.people} aria-label="People here" data-open={isOpen} data-state={state}>
      <h2 className={styles.title}>
        Here <span data-part="count">{count.toLocaleString('en')}</span>
      </h2>
      <button
        type="button"
        className={`button small quiet ${styles.toggle}`}
        aria-expanded={isOpen}
        aria-controls={id}
        onClick={() => setIsOpen(!isOpen)}
      >
        <Icon name="people" /> {count.toLocaleString('en')} here
      </button>
      <ul className={styles.list} id={id} aria-label="Who is here" tabIndex={people.length > 12 ? 0 : undefined}>
        {people.map(({ user }) => (
          <li key={user.id} className={styles.person}>
            <Avatar name={user.name} own={user.id === selfId} className={styles.face} />
            <bdi className={styles.name}>{user.name}</bdi>
            {user.id === selfId && <span className={styles.you}>you</span>}
          </li>
        ))}
        {hidden > 0 && <li className={styles.more}>and {hidden.toLocaleString('en')} more</li>}
      </ul>
    </section>
  );
}
