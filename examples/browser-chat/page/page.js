// The page: what the chat says goes onto it, what is typed goes to the chat.

import { Chat } from './chat.js';

/** @type {<T extends Element>(selector: string, kind: new () => T) => T} */
const find = (selector, kind) => {
  const element = document.querySelector(selector);
  if (!(element instanceof kind)) throw new Error(`the page has no ${selector}`);
  return element;
};

const list = find('ol', HTMLOListElement);
const state = find('output', HTMLOutputElement);
const form = find('form', HTMLFormElement);
const field = find('input', HTMLInputElement);

const chat = new Chat({
  url: `${location.origin.replace(/^http/, 'ws')}/line`,
  room: 'lobby',
  token: new URLSearchParams(location.search).get('name') ?? `guest-${Math.floor(Math.random() * 1_000)}`,
  onState: (words) => {
    state.value = words;
  },
  onEntries: (entries) => {
    for (const { user, data } of entries) {
      const item = document.createElement('li');
      // Text, never HTML: it comes from strangers.
      item.textContent = `${user ?? 'server'}: ${data.text}`;
      list.append(item);
    }
    list.lastElementChild?.scrollIntoView();
  },
});

form.addEventListener('submit', (event) => {
  event.preventDefault();
  const text = field.value.trim();
  if (text !== '') chat.publish(text);
  field.value = '';
});
