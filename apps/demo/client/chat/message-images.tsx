// The images of a message, each with its place kept before it is there.

import type { ReactElement } from 'react';
import { IMAGES_PATH, type MessageImage } from '../../shared/image.js';
import styles from './message-images.module.css';

interface MessageImagesProps {
  readonly images: readonly MessageImage[];
  readonly reachable: boolean;
}

/** Largest place of one, in pixels. */
const WIDTH_MAX = 360;
const HEIGHT_MAX = 280;

export function MessageImages({ images, reachable }: MessageImagesProps): ReactElement {
  return (
    <ul className={styles.images} aria-label={images.length === 1 ? 'Image' : 'Images'}>
      {images.map(({ name, width, height, alt }, index) => {
        const scale = Math.min(1, WIDTH_MAX / width, HEIGHT_MAX / height);
        return (
          // biome-ignore lint/suspicious/noArrayIndexKey: the same image may stand twice, and none moves
          <li key={`${name} ${index}`}>
            <a
              className={styles.link}
              href={`${IMAGES_PATH}/${name}`}
              target="_blank"
              rel="noopener"
              tabIndex={reachable ? 0 : -1}
              style={{ width: Math.max(44, width * scale), aspectRatio: `${width} / ${height}` }}
            >
              <img
                className={styles.image}
                src={`${IMAGES_PATH}/${name}`}
                alt={alt ?? 'Image without a description'}
                title={alt}
                loading="lazy"
                decoding="async"
              />
            </a>
          </li>
        );
      })}
    </ul>
  );
}
