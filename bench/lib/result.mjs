// From the figures of single runs to what is published: the spread of each arm, and how many times better we are.

import { spreadOf } from './stats.mjs';

/** @typedef {import('./stats.mjs').Spread} Spread */

/**
 * Something that is measured.
 * @typedef {object} Measure
 * @property {string} name
 * @property {string} unit
 * @property {'more' | 'less'} better
 * @property {readonly string[]} [systems] The only ones that have it.
 * @property {readonly string[]} [cases] The only ones in which it is measured.
 * @property {boolean} [isCompared] Default true; false for what is 0 where all is well: no ratio says anything then.
 */

/**
 * One arm, measured once.
 * @typedef {object} Sample
 * @property {number} run 1, 2, 3 …
 * @property {string} case
 * @property {string} system
 * @property {Readonly<Record<string, number>>} figures By name of the measure.
 * @property {Readonly<Record<string, string>>} problems Why a figure does not count, by name of the measure.
 * @property {Readonly<Record<string, number>>} context What helps to read the figures; goes to the CSV.
 */

/** @typedef {{ system: string, case: string, measure: string, unit: string, invalid?: string } & Spread} ArmResult */
/** @typedef {{ case: string, measure: string, against: string, invalid?: string } & Spread} RatioResult */

/**
 * `invalid` stands only on what must not be quoted, and says why.
 * @typedef {object} Result
 * @property {string} name
 * @property {string} node
 * @property {string} cpu
 * @property {ArmResult[]} arms
 * @property {RatioResult[]} ratios
 */

/** The system that all others are compared with. */
export const OURS = 'trunkline';

/**
 * @param {{ name: string, measures: readonly Measure[] }} bench
 * @param {readonly Sample[]} samples
 * @param {{ node: string, cpu: string }} machine
 * @returns {Result}
 */
export function resultOf(bench, samples, { node, cpu }) {
  /** @type {ArmResult[]} */
  const arms = [];
  /** @type {RatioResult[]} */
  const ratios = [];
  for (const name of new Set(samples.map((sample) => sample.case))) {
    const ofCase = samples.filter((sample) => sample.case === name);
    const ours = ofCase.filter((sample) => sample.system === OURS);
    for (const measure of bench.measures) {
      if (measure.cases?.includes(name) === false) continue;
      for (const system of new Set(ofCase.map((sample) => sample.system))) {
        if (measure.systems?.includes(system) === false) continue;
        const theirs = ofCase.filter((sample) => sample.system === system);
        const about = { case: name, measure: measure.name };
        const values = theirs.map((sample) => figure(sample, measure));
        arms.push({ system, ...about, unit: measure.unit, ...spreadOf(values), ...validity(measure, theirs) });
        if (system === OURS || ours.length === 0 || measure.isCompared === false) continue;
        const paired = ours.map((sample) => timesBetter(measure, sample, partner(sample, theirs)));
        ratios.push({ ...about, against: system, ...spreadOf(paired), ...validity(measure, [...ours, ...theirs]) });
      }
    }
  }
  return { name: bench.name, node, cpu, arms, ratios };
}

/**
 * @param {Measure} measure
 * @param {readonly Sample[]} samples
 */
function validity(measure, samples) {
  const invalid = samples.map(({ problems }) => problems[measure.name]).find((problem) => problem !== undefined);
  return invalid === undefined ? {} : { invalid };
}

/**
 * Above 1 we are better, whichever way the measure points.
 * @param {Measure} measure
 * @param {Sample} ours
 * @param {Sample} theirs
 */
function timesBetter(measure, ours, theirs) {
  const [a, b] = [figure(ours, measure), figure(theirs, measure)];
  return measure.better === 'more' ? a / b : b / a;
}

/**
 * @param {Sample} sample
 * @param {readonly Sample[]} others
 */
function partner(sample, others) {
  const found = others.find(({ run }) => run === sample.run);
  if (found === undefined) throw new Error(`run ${sample.run} has no figure to compare with`);
  return found;
}

/**
 * @param {Sample} sample
 * @param {Measure} measure
 */
function figure(sample, measure) {
  const value = sample.figures[measure.name];
  if (value === undefined || !Number.isFinite(value)) throw new Error(`${sample.system}: no ${measure.name}`);
  return value;
}
