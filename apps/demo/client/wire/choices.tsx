// One kind of frame, one stream: chosen among those that there are.

import { type ReactElement, useMemo } from 'react';
import { aboutOf, type Filter, type SeenEvent } from './steps.js';
import styles from './wire-drawer.module.css';

interface ChoicesProps {
  readonly events: readonly SeenEvent[];
  readonly filter: Filter;
  readonly onChange: (filter: Filter) => void;
}

export function Choices({ events, filter, onChange }: ChoicesProps): ReactElement {
  const about = useMemo(() => events.map(aboutOf), [events]);
  const kinds = about.flatMap((each) => each.kinds);
  const streams = about.flatMap((each) => each.streams);
  return (
    <div className={styles.choices}>
      <Choice
        label="Kind"
        all="All kinds"
        names={kinds}
        value={filter.kind}
        onChange={(kind) => onChange({ ...filter, kind })}
      />
      <Choice
        label="Stream"
        all="All streams"
        names={streams}
        value={filter.stream}
        onChange={(stream) => onChange({ ...filter, stream })}
      />
    </div>
  );
}

interface ChoiceProps {
  readonly label: string;
  readonly all: string;
  readonly names: readonly string[];
  readonly value: string;
  readonly onChange: (value: string) => void;
}

function Choice({ label, all, names, value, onChange }: ChoiceProps): ReactElement {
  // What is chosen stays, also when the last frame of its kind is no longer kept.
  const options = [...new Set(value === '' ? names : [...names, value])].sort();
  return (
    <select className="field" aria-label={label} value={value} onChange={(event) => onChange(event.target.value)}>
      <option value="">{all}</option>
      {options.map((option) => (
        <option key={option}>{option}</option>
      ))}
    </select>
  );
}
