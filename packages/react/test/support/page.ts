// A page for components: for each test a window of its own, and in it one element. Whatever React says on the console fails the test.

import { Window } from 'happy-dom';
import { act, type ReactElement } from 'react';
import { createRoot, hydrateRoot, type Root } from 'react-dom/client';
import { afterEach, beforeEach, expect, vi } from 'vitest';

let window: Window;
let container: HTMLElement;
let root: Root | undefined;
const complaints: unknown[][] = [];

/** Makes the page before each test of the file that calls it, and takes it away after. */
export function eachOnAPage(): void {
  beforeEach(() => {
    window = new Window();
    vi.stubGlobal('window', window);
    vi.stubGlobal('document', window.document);
    vi.stubGlobal('IS_REACT_ACT_ENVIRONMENT', true);
    vi.spyOn(console, 'error').mockImplementation((...words) => complaints.push(words));
    container = window.document.createElement('div') as unknown as HTMLElement;
  });
  afterEach(async () => {
    await unmount();
    expect(complaints.splice(0)).toEqual([]);
    await window.happyDOM.close();
    vi.restoreAllMocks();
    vi.unstubAllGlobals();
  });
}

export async function render(element: ReactElement): Promise<void> {
  root ??= createRoot(container);
  await act(() => root?.render(element));
}

/** Takes over what a server has rendered. */
export async function hydrate(html: string, element: ReactElement): Promise<void> {
  container.innerHTML = html;
  root = await act(() => hydrateRoot(container, element));
}

export async function unmount(): Promise<void> {
  await act(() => root?.unmount());
  root = undefined;
}

export const text = () => container.textContent;
export const query = (selector: string) => container.querySelector(selector);
