// The drawer's width on wide screens: dragged, or moved with the arrow keys, and remembered.

import { type KeyboardEvent, type PointerEvent, useState } from 'react';
import { ofBrowser, readStored, store } from '../storage.js';

const KEY = 'trunkline.wire.width';
const MIN_PX = 384;
const MAX_PX = 720;
const STEP_PX = 24;

export interface DrawerWidth {
  readonly width: number;
  readonly min: number;
  readonly max: number;
  /** Of the edge that is moved. */
  readonly handle: {
    readonly onPointerDown: (event: PointerEvent<HTMLElement>) => void;
    readonly onPointerMove: (event: PointerEvent<HTMLElement>) => void;
    readonly onPointerUp: (event: PointerEvent<HTMLElement>) => void;
    readonly onKeyDown: (event: KeyboardEvent<HTMLElement>) => void;
  };
}

export function useDrawerWidth(): DrawerWidth {
  const [width, setWidth] = useState(() => within(Number(readStored(ofBrowser, KEY)) || 480));
  const change = (wanted: number) => {
    const next = within(wanted);
    setWidth(next);
    store(ofBrowser, KEY, String(next));
  };
  return {
    width,
    min: MIN_PX,
    max: MAX_PX,
    handle: {
      onPointerDown: (event) => event.currentTarget.setPointerCapture(event.pointerId),
      onPointerMove: (event) => {
        if (event.currentTarget.hasPointerCapture(event.pointerId))
          change(document.documentElement.clientWidth - event.clientX);
      },
      onPointerUp: (event) => event.currentTarget.releasePointerCapture(event.pointerId),
      onKeyDown: (event) => {
        const step = { ArrowLeft: STEP_PX, ArrowRight: -STEP_PX }[event.key];
        if (step === undefined) return;
        event.preventDefault();
        change(width + step);
      },
    },
  };
}

function within(width: number): number {
  return Math.round(Math.min(MAX_PX, Math.max(MIN_PX, width)));
}
