// Asks a visitor who they are. Enter accepts.

import { type ReactElement, useId, useState } from 'react';
import { checkName } from '../../shared/names.js';
import { Icon } from '../shell/icons.js';
import styles from './name-prompt.module.css';
import { passes } from './passes.js';

export function NamePrompt({ room, problem }: { room: string; problem?: string | undefined }): ReactElement {
  const [name, setName] = useState('');
  const [error, setError] = useState(problem);
  const [busy, setBusy] = useState(false);
  const id = useId();

  const accept = async () => {
    const checked = checkName(name);
    if ('problem' in checked) return setError(checked.problem);
    setBusy(true);
    try {
      await passes.become('chat', checked.name);
    } catch (failure) {
      setError(failure instanceof Error ? failure.message : String(failure));
      setBusy(false);
    }
  };

  return (
    <form
      className={styles.card}
      onSubmit={(event) => {
        event.preventDefault();
        if (!busy) void accept();
      }}
    >
      <h1 className={styles.title}>Who is writing?</h1>
      <p className={styles.words}>
        A name is all it takes to join <strong>{room}</strong>. It belongs to this tab and is forgotten with it.
      </p>
      <label className={styles.label} htmlFor={id}>
        Your name
      </label>
      <div className={styles.row}>
        <input
          id={id}
          className={`field ${styles.input}`}
          value={name}
          // biome-ignore lint/a11y/noAutofocus: the page's one question
          autoFocus
          autoComplete="nickname"
          enterKeyHint="go"
          aria-invalid={error !== undefined}
          aria-describedby={error === undefined ? undefined : `${id}-error`}
          onChange={(event) => {
            setName(event.target.value);
            setError(undefined);
          }}
        />
        <button className="button primary" type="submit" aria-disabled={busy}>
          Join
        </button>
      </div>
      {error !== undefined && (
        <p className={styles.error} id={`${id}-error`} role="alert">
          <Icon name="alert" /> {error}
        </p>
      )}
    </form>
  );
}
