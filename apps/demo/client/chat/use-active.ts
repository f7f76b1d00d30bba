// The message that one points at, has the keyboard on, or has tapped: the one whose actions are shown.

import {
  type FocusEvent,
  type KeyboardEvent,
  type MouseEvent,
  type PointerEvent,
  type RefObject,
  useState,
} from 'react';

type Key = string | number | bigint;

export interface Active {
  readonly is: (key: Key) => boolean;
  readonly ofList: {
    readonly onKeyDown: (event: KeyboardEvent<HTMLElement>) => void;
    readonly onPointerLeave: (event: PointerEvent<HTMLElement>) => void;
    readonly onBlur: (event: FocusEvent<HTMLElement>) => void;
  };
  readonly ofItem: (key: Key) => {
    readonly onPointerEnter: (event: PointerEvent<HTMLElement>) => void;
    readonly onClick: (event: MouseEvent<HTMLElement>) => void;
    readonly onFocus: (event: FocusEvent<HTMLElement>) => void;
  };
}

/** @param newest key of the last message, where the keyboard enters the list. */
export function useActive(list: RefObject<HTMLElement | null>, count: number, newest: Key | undefined): Active {
  const [focused, setFocused] = useState<Key>();
  const [pointed, setPointed] = useState<Key>();

  const focusAt = (index: number) => {
    const item = list.current?.querySelector<HTMLElement>(`li[data-index="${index}"]`);
    item?.focus({ preventScroll: true });
    item?.scrollIntoView({ block: 'nearest' });
  };

  return {
    // Both: what the keyboard is on stays while the mouse passes over others.
    is: (key) => key === pointed || key === focused,
    ofList: {
      onKeyDown: (event) => {
        const on = event.target as HTMLElement;
        const index = Number(on.closest('li[data-index]')?.getAttribute('data-index') ?? count);
        const isField = on.closest('input, textarea') !== null;
        if (isField || newest === undefined) return;
        const to = { ArrowUp: Math.max(0, index - 1), ArrowDown: index + 1, Home: 0, End: count - 1 }[event.key];
        // From the list itself Down, Home and End scroll, as they do everywhere.
        if (to === undefined || to >= count || (on === list.current && event.key !== 'ArrowUp')) return;
        event.preventDefault();
        focusAt(to);
      },
      onPointerLeave: ({ pointerType }) => {
        if (pointerType === 'mouse') setPointed(undefined);
      },
      onBlur: ({ currentTarget, relatedTarget }) => {
        if (currentTarget.contains(relatedTarget)) return;
        setFocused(undefined);
        if (isTouched()) setPointed(undefined);
      },
    },
    ofItem: (key) => ({
      onPointerEnter: ({ pointerType }) => {
        if (pointerType === 'mouse') setPointed(key);
      },
      onClick: ({ target, nativeEvent }) => {
        // A finger has no way to point: a tap does, and another one takes it back. A link or a button means itself.
        const isControl = (target as HTMLElement).closest('a, button, input') !== null;
        if (!isControl && isTap(nativeEvent)) setPointed((now) => (now === key ? undefined : key));
      },
      // Not where a click has put the keyboard: whoever clicks points already.
      onFocus: ({ target }) => {
        if (target.matches(':focus-visible')) setFocused(key);
      },
    }),
  };
}

function isTouched(): boolean {
  return matchMedia('(pointer: coarse)').matches;
}

/** Not every browser says what clicked. */
function isTap(event: object): boolean {
  return 'pointerType' in event ? event.pointerType !== 'mouse' : isTouched();
}
