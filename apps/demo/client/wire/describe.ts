// Frames in words: what kind, what it says, which streams it is about. Understands Trunkline's messages and shows any others as they are. A
// message may need what was said before it on its connection, so frames are heard in their order, each once.

import { parseCut } from '../../shared/cut-json.js';
import type { WireFrame } from '../../shared/wire.js';
import { type Fields, type Question, summaryOf } from './summary.js';

/** What a frame says. */
export interface Said {
  /** The types of a text frame's messages, "publish ×3, ping"; the opcode's name of any other frame. */
  readonly label: string;
  /** The same one by one, without numbers. */
  readonly kinds: readonly string[];
  /** What it says beyond that, on one line. */
  readonly content: string;
  /** Names of the streams that it is about. */
  readonly streams: readonly string[];
}

const OPCODES: Record<number, string> = {
  0: 'continuation',
  1: 'text',
  2: 'binary',
  8: 'close',
  9: 'ping',
  10: 'pong',
};

export function opcodeName(opcode: number): string {
  return OPCODES[opcode] ?? `opcode ${opcode}`;
}

// The first one of a line: that of the message, as its data comes later and its id is a number.
const TYPE = /"type"\s*:\s*"(\w{1,32})"\s*,?\s*/;

/** Questions without an answer that are remembered: more than a client may have open. */
const QUESTIONS_MAX = 200;

/** One connection, as far as it was heard. */
export class Conversation {
  readonly #streams = new Map<unknown, string>();
  readonly #questions = new Map<unknown, Question>();

  /** The stream that data messages call `ch`. */
  name(ch: number, stream: string): void {
    this.#streams.set(ch, stream);
  }

  hear(frame: WireFrame): Said {
    const kinds = kindsOf(frame);
    const label = labelOf(kinds);
    const names = [...new Set(kinds)];
    if (frame.opcode === 8) {
      return { label, kinds: ['Close'], content: frame.reason === '' ? '' : `“${frame.reason}”`, streams: [] };
    }
    if (frame.opcode <= 1 && frame.preview === '' && frame.payloadBytes > 0)
      return { label, kinds: names, content: 'part of a message, not shown', streams: [] };
    const streams = new Set<string>();
    const lines = frame.preview.split('\n');
    const words = lines.map((line, index) => {
      const isCut = frame.cut && index === lines.length - 1;
      const message = frame.opcode === 1 ? read(line, isCut) : undefined;
      return (message && this.#words(message, frame, isCut, streams)) ?? line.trim().replace(TYPE, '');
    });
    const content = `${words.filter((line) => line !== '' && line !== '{}').join(' · ')}${frame.cut ? ' …' : ''}`;
    return { label, kinds: names, content, streams: [...streams] };
  }

  #words(message: Fields, { at, direction }: WireFrame, isCut: boolean, streams: Set<string>): string | undefined {
    const { id, ch, type } = message;
    const asked = this.#questions.get(id);
    if (direction === 'out' && (type === 'ok' || type === 'error')) this.#questions.delete(id);
    const isAnswer = direction === 'out' || type === 'cancel';
    const question = isAnswer ? asked : undefined;
    if (question !== undefined && typeof ch === 'number') this.name(ch, question.about);
    const name = this.#streams.get(ch);
    // The answer to a call is about no stream.
    const about = aboutOf(message) ?? name ?? question?.about;
    if (about !== undefined && type !== 'call' && question?.type !== 'call') streams.add(about);
    if (direction === 'in' && id !== undefined && type !== 'cancel') this.#ask(id, message, at);
    return summaryOf(message, { stream: () => name ?? `stream ${ch}`, question, at, isCut });
  }

  #ask(id: unknown, message: Fields, at: number): void {
    const about = aboutOf(message);
    if (about === undefined || typeof message.type !== 'string') return;
    this.#questions.set(id, { type: message.type, about, at });
    const [oldest] = this.#questions.keys();
    if (this.#questions.size > QUESTIONS_MAX) this.#questions.delete(oldest);
  }
}

/** What a request names. */
function aboutOf({ stream, procedure }: Fields): string | undefined {
  if (typeof stream === 'string') return stream;
  return typeof procedure === 'string' ? procedure : undefined;
}

function kindsOf(frame: WireFrame): readonly string[] {
  if (frame.opcode === 8) return [`Close ${frame.closeCode === 1005 ? 'without a code' : frame.closeCode}`];
  if (frame.opcode >= 8) return [opcodeName(frame.opcode) === 'ping' ? 'Ping' : 'Pong'];
  if (frame.opcode !== 1) return [opcodeName(frame.opcode)];
  const types = frame.preview.split('\n').flatMap((line) => TYPE.exec(line)?.[1] ?? []);
  return types.length === 0 ? ['text'] : types;
}

function labelOf(kinds: readonly string[]): string {
  const counts = new Map<string, number>();
  for (const kind of kinds) counts.set(kind, (counts.get(kind) ?? 0) + 1);
  return [...counts].map(([kind, count]) => (count === 1 ? kind : `${kind} ×${count}`)).join(', ');
}

function read(line: string, isCut: boolean): Fields | undefined {
  try {
    const message: unknown = isCut ? parseCut(line) : JSON.parse(line);
    return typeof message === 'object' && message !== null && 'type' in message ? (message as Fields) : undefined;
  } catch {
    return undefined;
  }
}
