// The images of the message that is being written: how far each has come, what it shows, and a way to take it away.

import type { ReactElement } from 'react';
import { ALT_CHARACTERS_MAX } from '../../shared/limits.js';
import { Icon } from '../shell/icons.js';
import styles from './upload-tray.module.css';
import type { Upload, Uploads } from './uploads.js';

export function UploadTray({ uploads }: { uploads: Uploads }): ReactElement | null {
  const { all, problem } = uploads;
  if (all.length === 0 && problem === undefined) return null;
  return (
    <div className={styles.tray}>
      {problem !== undefined && (
        <p className={styles.problem} role="alert">
          <Icon name="alert" size={14} /> {problem}
        </p>
      )}
      <ul className={styles.list} aria-label="Images to send">
        {all.map((upload) => (
          <Item key={upload.id} upload={upload} uploads={uploads} />
        ))}
      </ul>
    </div>
  );
}

function Item({ upload, uploads }: { upload: Upload; uploads: Uploads }): ReactElement {
  const { id, file, url, state, progress, problem } = upload;
  return (
    <li className={styles.item} data-state={state}>
      {state === 'failed' ? (
        <span className={styles.broken}>
          <Icon name="alert" />
        </span>
      ) : (
        <img className={styles.picture} src={url} alt="" />
      )}
      <div className={styles.rest}>
        {state === 'failed' ? (
          <p className={styles.problem} role="alert">
            {file.name}: {problem}
          </p>
        ) : (
          <input
            className={`field ${styles.alt}`}
            aria-label={`Description of ${file.name}`}
            placeholder="What does it show? (optional)"
            maxLength={ALT_CHARACTERS_MAX}
            dir="auto"
            value={upload.alt}
            onChange={(event) => uploads.describe(id, event.target.value)}
          />
        )}
        {(state === 'looking' || state === 'sending') && (
          <progress className={styles.progress} max={1} value={progress} aria-label={`Sending ${file.name}`} />
        )}
      </div>
      {state === 'failed' && (
        <button type="button" className="button small" onClick={() => uploads.retry(id)}>
          Retry
        </button>
      )}
      <button
        type="button"
        className="button icon quiet"
        aria-label={`Remove ${file.name}`}
        title="Remove"
        onClick={() => uploads.remove(id)}
      >
        <Icon name="close" />
      </button>
    </li>
  );
}
