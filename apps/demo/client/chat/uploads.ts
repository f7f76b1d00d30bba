// Images on their way to the server before the message that shows them: looked at first, then posted with progress, and posted again on demand.

import { useCallback, useEffect, useMemo, useRef, useState } from 'react';
import {
  IMAGES_PATH,
  type ImageProblem,
  imageEnding,
  type MessageImage,
  type StoredImage,
} from '../../shared/image.js';
import { IMAGE_BYTES_MAX, IMAGE_SIDE_MAX, MESSAGE_IMAGES_MAX } from '../../shared/limits.js';

export interface Upload {
  readonly id: number;
  readonly file: File;
  /** Of the file, for a small picture of it. */
  readonly url: string;
  readonly state: 'looking' | 'sending' | 'stored' | 'failed';
  /** 0 to 1. */
  readonly progress: number;
  readonly problem?: string | undefined;
  readonly name?: string;
  readonly width?: number;
  readonly height?: number;
  readonly alt: string;
}

export interface Uploads {
  readonly all: readonly Upload[];
  /** About files that were not taken at all. */
  readonly problem: string | undefined;
  readonly add: (files: readonly File[]) => void;
  readonly retry: (id: number) => void;
  readonly remove: (id: number) => void;
  readonly describe: (id: number, alt: string) => void;
  /** The images of the message, which then has them. */
  readonly take: () => readonly MessageImage[];
}

/** @param token of the guest who sends them. */
export function useUploads(token: () => Promise<string>): Uploads {
  const [all, setAll] = useState<readonly Upload[]>([]);
  const [problem, setProblem] = useState<string>();
  const running = useRef(new Map<number, XMLHttpRequest>());
  const latest = useRef(all);
  latest.current = all;

  const change = useCallback((id: number, part: Partial<Upload>) => {
    setAll((before) => before.map((upload) => (upload.id === id ? { ...upload, ...part } : upload)));
  }, []);
  const start = useCallback(
    async ({ id, file }: Pick<Upload, 'id' | 'file'>) => {
      try {
        const size = await look(file);
        change(id, { ...size, state: 'sending', progress: 0, problem: undefined });
        const { name } = await post(file, await token(), running.current, id, (progress) => change(id, { progress }));
        change(id, { name, state: 'stored', progress: 1 });
      } catch (error) {
        change(id, { state: 'failed', problem: error instanceof Error ? error.message : String(error) });
      }
    },
    [change, token],
  );
  const drop = useCallback((ids: readonly number[]) => {
    for (const upload of latest.current) {
      if (!ids.includes(upload.id)) continue;
      running.current.get(upload.id)?.abort();
      URL.revokeObjectURL(upload.url);
    }
    setAll((before) => before.filter(({ id }) => !ids.includes(id)));
  }, []);
  useEffect(() => () => drop(latest.current.map(({ id }) => id)), [drop]);

  const actions = useMemo(
    () => ({
      add: (files: readonly File[]) => {
        const room = MESSAGE_IMAGES_MAX - latest.current.length;
        setProblem(files.length > room ? `A message has at most ${MESSAGE_IMAGES_MAX} images.` : undefined);
        const added = files.slice(0, room).map(
          (file): Upload => ({
            id: nextId(),
            file,
            url: URL.createObjectURL(file),
            state: 'looking',
            progress: 0,
            alt: '',
          }),
        );
        setAll((before) => [...before, ...added]);
        for (const upload of added) void start(upload);
      },
      retry: (id: number) => {
        const upload = latest.current.find((one) => one.id === id);
        if (upload === undefined) return;
        change(id, { state: 'looking', problem: undefined });
        void start(upload);
      },
      remove: (id: number) => {
        setProblem(undefined);
        drop([id]);
      },
      describe: (id: number, alt: string) => change(id, { alt }),
      take: () => {
        const images = latest.current.flatMap(({ name, width, height, alt }) =>
          name === undefined || width === undefined || height === undefined
            ? []
            : [{ name, width, height, ...(alt.trim() === '' ? {} : { alt: alt.trim() }) }],
        );
        drop(latest.current.map(({ id }) => id));
        setProblem(undefined);
        return images;
      },
    }),
    [change, drop, start],
  );
  return useMemo(() => ({ all, problem, ...actions }), [all, problem, actions]);
}

let ids = 0;
function nextId(): number {
  ids += 1;
  return ids;
}

/** What the server would refuse is not sent. @throws Error whose message is a sentence for people. */
async function look(file: File): Promise<{ width: number; height: number }> {
  if (file.size > IMAGE_BYTES_MAX) {
    throw new Error(`It has ${(file.size / 1_000_000).toFixed(1)} MB, and at most 2 MB can be sent.`);
  }
  const head = new Uint8Array(await file.slice(0, 16).arrayBuffer());
  if (imageEnding(head) === undefined) throw new Error('Only PNG, JPEG, GIF and WebP images can be sent.');
  const picture = await createImageBitmap(file).catch(() => {
    throw new Error('This image is damaged and cannot be shown.');
  });
  const { width, height } = picture;
  picture.close();
  if (Math.max(width, height) > IMAGE_SIDE_MAX) throw new Error('This image has too many pixels.');
  return { width, height };
}

/** Not `fetch`, which does not tell how far it has come. @throws Error whose message is a sentence for people. */
function post(
  file: File,
  token: string,
  running: Map<number, XMLHttpRequest>,
  id: number,
  onProgress: (progress: number) => void,
): Promise<StoredImage> {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    running.set(id, request);
    request.open('POST', IMAGES_PATH);
    request.setRequestHeader('Authorization', `Bearer ${token}`);
    request.responseType = 'json';
    request.upload.onprogress = ({ loaded, total }) => onProgress(total === 0 ? 0 : loaded / total);
    request.onload = () => {
      const answer: unknown = request.response;
      if (request.status === 201) resolve(answer as StoredImage);
      else reject(new Error((answer as ImageProblem | null)?.problem ?? `The server answered ${request.status}.`));
    };
    request.onerror = () => reject(new Error('The server cannot be reached.'));
    request.onabort = () => reject(new Error('It was taken away.'));
    request.onloadend = () => running.delete(id);
    request.send(file);
  });
}
