// /chat/:room, and /polling/:room for the same over HTTP requests. First who one is: the tab's guest, the name in `?as=`, or a question. Then the room.

import { type ReactElement, useEffect, useRef, useState } from 'react';
import { checkName } from '../../shared/names.js';
import { chatClientFor, type DemoClient, pollingClientFor } from '../clients.js';
import { NamePrompt } from '../guest/name-prompt.js';
import { type Pass, passes } from '../guest/passes.js';
import { usePass } from '../guest/use-pass.js';
import { PollingBar } from '../polling/polling-bar.js';
import { replace } from '../router.js';
import { Icon } from '../shell/icons.js';
import { TrunklineProvider } from '../trunkline.js';
import styles from './chat-page.module.css';
import { Conversation } from './conversation.js';
import { PeopleToggle } from './people.js';
import { Refused } from './refused.js';
import { RoomList } from './room-list.js';
import { remember, roomAddress, type Way } from './rooms.js';

interface ChatPageProps {
  readonly room: string;
  readonly query: string;
  readonly way: Way;
}

export function ChatPage({ room, query, way }: ChatPageProps): ReactElement {
  const pass = usePass();
  const { busy, problem } = useNameInAddress(query, pass);
  const checked = checkName(room);

  if ('problem' in checked) {
    return <p className={styles.alone}>There can be no such room. {checked.problem.replace('A name', 'A room')}</p>;
  }
  if (busy) return <p className={styles.alone}>Joining</p>;
  if (pass === undefined) return <NamePrompt room={room} problem={problem} />;
  const client = way === 'chat' ? chatClientFor(pass) : pollingClientFor(pass);
  return (
    <TrunklineProvider line={client.line}>
      <Chat key={`${way} ${pass.id}`} room={room} way={way} pass={pass} client={client} />
    </TrunklineProvider>
  );
}

interface ChatProps {
  readonly room: string;
  readonly way: Way;
  readonly pass: Pass;
  readonly client: DemoClient;
}

function Chat({ room, way, pass, client }: ChatProps): ReactElement {
  useEffect(() => remember(room), [room]);
  const [peopleOpen, setPeopleOpen] = useState(false);
  const [searchOpen, setSearchOpen] = useState(false);
  const searchButton = useRef<HTMLButtonElement>(null);
  const closeSearch = () => {
    setSearchOpen(false);
    searchButton.current?.focus();
  };
  return (
    <div className={styles.page}>
      <RoomList room={room} way={way} />
      <section className={styles.room} aria-labelledby="room">
        <div className={styles.bar}>
          <h1 className={styles.title} id="room">
            <span className={styles.hash} aria-hidden="true">
              #
            </span>
            <span className={styles.name}>{room}</span>
          </h1>
          <button
            ref={searchButton}
            type="button"
            className={`button icon quiet ${styles.search}`}
            aria-label="Search"
            title="Search in this room"
            aria-expanded={searchOpen}
            onClick={() => setSearchOpen(!searchOpen)}
          >
            <Icon name="search" />
          </button>
          <PeopleToggle room={room} way={way} isOpen={peopleOpen} onToggle={() => setPeopleOpen(!peopleOpen)} />
          <p className={styles.self}>
            <span className={styles.selfName}>You are {pass.name}</span>
            <button className="link" type="button" onClick={() => changeName(room, way)}>
              Change
            </button>
          </p>
        </div>
        {way === 'polling' && <PollingBar room={room} polling={pollingClientFor(pass).polling} />}
        <Refused line={client.line}>
          <JoinAgain client={client} pass={pass} />
          <button className="button small quiet" type="button" onClick={() => changeName(room, way)}>
            Use another name
          </button>
        </Refused>
        <Conversation
          key={room}
          room={room}
          way={way}
          guest="chat"
          selfName={pass.name}
          selfId={pass.id}
          peopleOpen={peopleOpen}
          onSearchClose={searchOpen ? closeSearch : undefined}
          isPage
        />
      </section>
    </div>
  );
}

/** Asks for a name again. Without the one in the address, which would be obeyed once more at a reload. */
function changeName(room: string, way: Way): void {
  replace(roomAddress(room, way));
  passes.forget('chat');
}

function JoinAgain({ client, pass }: { client: DemoClient; pass: Pass }): ReactElement {
  const [problem, setProblem] = useState<string>();
  const join = async () => {
    try {
      const renewed = await passes.become('chat', pass.name, { keepId: true });
      // The same guest's line tries again; another guest's is another line, and made by the page.
      if (renewed.id === pass.id) client.line.retry();
    } catch (error) {
      setProblem(error instanceof Error ? error.message : String(error));
    }
  };
  return (
    <>
      {problem !== undefined && <span>{problem}</span>}
      <button className="button small" type="button" onClick={join}>
        Join again as {pass.name}
      </button>
    </>
  );
}

/** Becomes who `?as=` names, once; a tab that is that already stays the guest it is. */
function useNameInAddress(query: string, pass: Pass | undefined): { busy: boolean; problem: string | undefined } {
  const asked = new URLSearchParams(query).get('as');
  const [problem, setProblem] = useState<string>();
  const [settledFor, setSettledFor] = useState<string | null>(null);
  const checked = asked === null ? undefined : checkName(asked);
  const name = checked !== undefined && 'name' in checked ? checked.name : undefined;
  const busy = name !== undefined && name !== settledFor && pass?.name !== name;

  useEffect(() => {
    if (!busy || name === undefined) return;
    let current = true;
    passes
      .become('chat', name)
      .catch((error: unknown) => {
        if (current) setProblem(error instanceof Error ? error.message : String(error));
      })
      .finally(() => {
        if (current) setSettledFor(name);
      });
    return () => {
      current = false;
    };
  }, [busy, name]);
  useEffect(() => {
    // Someone who then chooses another name keeps it: the address has been obeyed.
    if (name !== undefined && pass?.name === name) setSettledFor(name);
  }, [name, pass?.name]);

  return { busy, problem: problem ?? (checked !== undefined && 'problem' in checked ? checked.problem : undefined) };
}
