// Figures as people read them.

import { MICROS } from '../../shared/market.js';

/** 1,234.50 */
export function money(micros: number): string {
  return (micros / MICROS).toLocaleString('en', { minimumFractionDigits: 2, maximumFractionDigits: 2 });
}

/** +1,234.50 or −1,234.50: with a sign, which is not left to the colour. */
export function signedMoney(micros: number): string {
  const text = money(Math.abs(micros));
  return text === '0.00' ? text : `${signOf(micros)}${text}`;
}

export function priceText(price: number, digits: number): string {
  return price.toLocaleString('en', { minimumFractionDigits: digits, maximumFractionDigits: digits });
}

/** +0.42 % */
export function percent(ratio: number): string {
  const text = (Math.abs(ratio) * 100).toFixed(2);
  return `${text === '0.00' ? '' : signOf(ratio)}${text} %`;
}

function signOf(amount: number): string {
  return amount > 0 ? '+' : amount < 0 ? '−' : '';
}

/** The direction of what `signedMoney` shows. */
export function directionOfMoney(micros: number): 'up' | 'down' | 'even' {
  return directionOf(Math.abs(micros) < 5_000 ? 0 : micros);
}

/** Which way something went, for colours and arrows that stand beside a sign. */
export function directionOf(change: number): 'up' | 'down' | 'even' {
  return change > 0 ? 'up' : change < 0 ? 'down' : 'even';
}

/** 0.3 s, 12.0 s, 3 min 20 s */
export function age(ms: number): string {
  const seconds = ms / 1000;
  if (seconds < 120) return `${seconds.toFixed(1)} s`;
  return `${Math.floor(seconds / 60)} min ${Math.round(seconds % 60)} s`;
}

export function count(quantity: number): string {
  return quantity.toLocaleString('en');
}
