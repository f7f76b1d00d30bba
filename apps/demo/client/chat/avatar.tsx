// Somebody's initials in a circle. Always beside the name, or standing for it where a text for screen readers has it.

import type { ReactElement } from 'react';
import styles from './avatar.module.css';

interface AvatarProps {
  /** Empty: nothing is shown in the circle. */
  readonly name: string;
  readonly own?: boolean;
  readonly className?: string | undefined;
  /** Only the first letter: it is small. */
  readonly small?: boolean;
}

export function Avatar({ name, own = false, className = '', small = false }: AvatarProps): ReactElement {
  return (
    <span className={`${styles.avatar} ${className}`} data-own={own} data-small={small} aria-hidden="true">
      {small ? firstLetter(name) : initials(name)}
    </span>
  );
}

function initials(name: string): string {
  const words = name.split(/\s+/).filter((word) => word !== '');
  const letters = words.length > 1 ? [words[0], words.at(-1)] : [words[0]];
  return letters.map((word) => firstLetter(word ?? '')).join('');
}

const graphemes = new Intl.Segmenter(undefined, { granularity: 'grapheme' });

/** A flag or a family is one letter. */
function firstLetter(word: string): string {
  for (const { segment } of graphemes.segment(word)) return segment.toUpperCase();
  return '';
}
