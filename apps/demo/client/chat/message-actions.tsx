// What can be done with the message that is pointed at, focused or tapped: a bar of buttons. What cannot be undone is asked once.

import { type FormEvent, type ReactElement, type ReactNode, useEffect, useRef, useState } from 'react';
import { replace } from '../router.js';
import { Icon, type IconName } from '../shell/icons.js';
import { copyText } from '../wire/copy-text.js';
import { MORE, QUICK, soleEmoji } from './emoji.js';
import styles from './message-actions.module.css';
import { type ChatEntry, useRoom } from './room.js';
import { messageAddress } from './rooms.js';

interface MessageActionsProps {
  readonly entry: ChatEntry;
  readonly own: boolean;
}

export function MessageActions({ entry, own }: MessageActionsProps): ReactElement {
  const room = useRoom();
  const [open, setOpen] = useState<'emoji' | 'delete'>();
  const [copied, setCopied] = useState(false);
  const isOn = (emoji: string) => room.selfId !== undefined && (entry.reactions[emoji] ?? []).includes(room.selfId);
  const react = (emoji: string) => {
    setOpen(undefined);
    room.changes.react(entry, emoji, !isOn(emoji));
  };

  if (open === 'delete') {
    return (
      <Bar label="Delete this message?">
        <span className={styles.question}>Delete for everyone?</span>
        <FocusedButton className="button small" onClick={() => room.changes.remove(entry)}>
          Delete
        </FocusedButton>
        <button type="button" className="button small quiet" onClick={() => setOpen(undefined)}>
          Keep
        </button>
      </Bar>
    );
  }
  return (
    <Bar label="Actions">
      {QUICK.map((emoji) => (
        <button
          key={emoji}
          type="button"
          className={styles.action}
          aria-label={`React with ${emoji}`}
          aria-pressed={isOn(emoji)}
          onClick={() => react(emoji)}
        >
          {emoji}
        </button>
      ))}
      <Action
        icon="smile"
        label="Another reaction"
        expanded={open === 'emoji'}
        onClick={() => setOpen(open === 'emoji' ? undefined : 'emoji')}
      />
      <Action icon="reply" label="Reply" onClick={() => room.reply(entry)} />
      {own && <Action icon="pencil" label="Edit" onClick={() => room.rewrite(entry)} />}
      <Action
        icon={copied ? 'check' : 'link'}
        label={copied ? 'Link copied' : 'Copy link'}
        onClick={() => {
          const address = messageAddress(room.name, entry.offset);
          // Where the browser allows no copying, the address bar has it.
          copyText(new URL(address, location.href).href).then(
            () => setCopied(true),
            () => replace(address),
          );
        }}
      />
      {own && <Action icon="clear" label="Delete" onClick={() => setOpen('delete')} />}
      {open === 'emoji' && <Picker onPick={react} />}
    </Bar>
  );
}

function Bar({ label, children }: { label: string; children: ReactNode }): ReactElement {
  return (
    <div className={styles.bar} role="toolbar" aria-label={label}>
      {children}
    </div>
  );
}

interface ActionProps {
  readonly icon: IconName;
  readonly label: string;
  readonly expanded?: boolean;
  readonly onClick: () => void;
}

function Action({ icon, label, expanded, onClick }: ActionProps): ReactElement {
  return (
    <button
      type="button"
      className={styles.action}
      aria-label={label}
      title={label}
      aria-expanded={expanded}
      onClick={onClick}
    >
      <Icon name={icon} />
    </button>
  );
}

/** A few more, and a field for any other. */
function Picker({ onPick }: { onPick: (emoji: string) => void }): ReactElement {
  const [text, setText] = useState('');
  const [problem, setProblem] = useState<string>();
  const submit = (event: FormEvent) => {
    event.preventDefault();
    const emoji = soleEmoji(text);
    if (emoji === undefined) setProblem('One emoji, please.');
    else onPick(emoji);
  };
  return (
    <div className={styles.picker}>
      {MORE.map((emoji) => (
        <button
          key={emoji}
          type="button"
          className={styles.action}
          aria-label={`React with ${emoji}`}
          onClick={() => onPick(emoji)}
        >
          {emoji}
        </button>
      ))}
      <form className={styles.other} onSubmit={submit}>
        <input
          className="field"
          aria-label="Any emoji"
          placeholder="Any emoji"
          value={text}
          maxLength={40}
          aria-invalid={problem !== undefined}
          onChange={(event) => {
            setText(event.target.value);
            setProblem(undefined);
          }}
        />
        <button type="submit" className="button small">
          React
        </button>
        {problem !== undefined && (
          <span className={styles.problem} role="alert">
            {problem}
          </span>
        )}
      </form>
    </div>
  );
}

function FocusedButton(props: { className: string; onClick: () => void; children: ReactNode }): ReactElement {
  const button = useRef<HTMLButtonElement>(null);
  useEffect(() => button.current?.focus(), []);
  return <button ref={button} type="button" {...props} />;
}
