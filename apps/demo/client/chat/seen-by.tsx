// Who has read up to a message, below it.

import type { ReactElement } from 'react';
import { Avatar } from './avatar.js';
import type { Person } from './beside.js';
import { conjoined } from './names.js';
import styles from './seen-by.module.css';

const FACES_MAX = 4;
const NAMES_MAX = 12;

export function SeenBy({ people }: { people: readonly Person[] }): ReactElement {
  const more = people.length - FACES_MAX;
  const words = `Seen by ${namesOf(people)}`;
  return (
    <p className={styles.seen} title={words} aria-live="off">
      <span className="hidden">{words}</span>
      {people.slice(0, FACES_MAX).map(({ id, name }) => (
        <Avatar key={id} name={name} small />
      ))}
      {more > 0 && <span aria-hidden="true">+{more.toLocaleString('en')}</span>}
    </p>
  );
}

function namesOf(people: readonly Person[]): string {
  const named = people.slice(0, NAMES_MAX).map(({ name }) => name);
  const more = people.length - named.length;
  return conjoined(more > 0 ? [...named, `${more.toLocaleString('en')} more`] : named);
}
