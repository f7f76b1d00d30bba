// What stands in the quantity box, as a number or as a sentence that says what is wrong with it.

import { ORDER_QUANTITY_MAX } from '../../shared/market.js';
import { count } from './words.js';

export type CheckedQuantity = { readonly quantity: number } | { readonly problem: string };

/** @param isText whether the browser says that what stands there is no number: it then gives no text. */
export function checkQuantity(text: string, isText = false): CheckedQuantity {
  const given = text.trim();
  if (isText || (given !== '' && !Number.isFinite(Number(given)))) {
    return { problem: 'A quantity is a whole number in figures, such as 10.' };
  }
  if (given === '') return { problem: 'Enter a quantity first: how many to buy or to sell.' };
  const quantity = Number(given);
  if (quantity < 0) return { problem: 'A quantity is never negative. To sell, enter how many and press Sell.' };
  if (quantity === 0) return { problem: 'An order is for at least 1.' };
  if (!Number.isInteger(quantity)) return { problem: 'Only whole numbers can be ordered, such as 10.' };
  if (quantity > ORDER_QUANTITY_MAX) {
    return { problem: `An order is for at most ${count(ORDER_QUANTITY_MAX)}. Make it smaller, or send it in parts.` };
  }
  return { quantity };
}
