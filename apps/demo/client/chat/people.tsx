// Who is here: a column where there is room for one, else a number in the room's bar that opens the list.

import { type ReactElement, useEffect } from 'react';
import { Icon } from '../shell/icons.js';
import { usePresence } from '../trunkline.js';
import { Avatar } from './avatar.js';
import { useBeside } from './beside.js';
import styles from './people.module.css';
import { useRoom } from './room.js';
import type { Way } from './rooms.js';

const LIST_ID = 'people-here';
/** So many fit the column of any window; more can be scrolled, by keyboard too. */
const FIT = 12;

interface PeopleToggleProps {
  readonly room: string;
  readonly way: Way;
  readonly isOpen: boolean;
  readonly onToggle: () => void;
}

/** Shown where the list has no column of its own. */
export function PeopleToggle({ room, way, isOpen, onToggle }: PeopleToggleProps): ReactElement {
  const { count } = usePresence(useBeside(room, way));
  return (
    <button
      type="button"
      className={`button small quiet ${styles.toggle}`}
      aria-expanded={isOpen}
      aria-controls={LIST_ID}
      onClick={onToggle}
    >
      <Icon name="people" /> {count.toLocaleString('en')} <span className={styles.word}>here</span>
    </button>
  );
}

interface PeopleProps {
  readonly selfId: string | undefined;
  readonly way: Way;
  readonly isOpen: boolean;
}

export function People({ selfId, way, isOpen }: PeopleProps): ReactElement {
  const { name, names } = useRoom();
  const { people, count } = usePresence(useBeside(name, way));
  useEffect(() => names.learn(people.map(({ user }) => user)), [names, people]);
  const hidden = count - people.length;
  return (
    <section className={styles.people} id={LIST_ID} aria-label="People here" data-open={isOpen}>
      <h2 className={styles.title}>
        Here <span>{count.toLocaleString('en')}</span>
      </h2>
      <ul className={styles.list} aria-label="Who is here" tabIndex={people.length > FIT ? 0 : undefined}>
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
