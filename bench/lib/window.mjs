// What passed between two moments: time, and processor time of the server, of this load process and of everybody else.

import { cpus } from 'node:os';

/** @typedef {ReturnType<typeof snapshot>} Snapshot */

/**
 * @typedef {object} Window
 * @property {number} seconds
 * @property {number} serverCpuSeconds
 * @property {number} serverSystemSeconds The part of them that the kernel used.
 * @property {number} loadCpuSeconds
 * @property {number} othersSeconds Processor time of all other programs on this machine.
 */

/** @param {import('./control.mjs').Usage} server */
export function snapshot(server) {
  const { user, system } = process.cpuUsage();
  const machineCpuSeconds = cpus().reduce((sum, { times }) => sum + times.user + times.nice + times.sys, 0) / 1e3;
  return { server, atMs: performance.now(), cpuSeconds: (user + system) / 1e6, machineCpuSeconds };
}

/**
 * @param {Snapshot} before
 * @param {Snapshot} after
 * @returns {Window}
 */
export function windowBetween(before, after) {
  const loadCpuSeconds = after.cpuSeconds - before.cpuSeconds;
  const serverCpuSeconds = after.server.cpuSeconds - before.server.cpuSeconds;
  return {
    seconds: (after.atMs - before.atMs) / 1e3,
    serverCpuSeconds,
    serverSystemSeconds: after.server.systemSeconds - before.server.systemSeconds,
    loadCpuSeconds,
    // Signed: the machine counts in steps of 10 ms, which cancel out over the turns.
    othersSeconds: after.machineCpuSeconds - before.machineCpuSeconds - loadCpuSeconds - serverCpuSeconds,
  };
}

/** @returns {Window} */
export function emptyWindow() {
  return { seconds: 0, serverCpuSeconds: 0, serverSystemSeconds: 0, loadCpuSeconds: 0, othersSeconds: 0 };
}

/**
 * @param {Window} sum
 * @param {Window} window
 */
export function addWindow(sum, window) {
  sum.seconds += window.seconds;
  sum.serverCpuSeconds += window.serverCpuSeconds;
  sum.serverSystemSeconds += window.serverSystemSeconds;
  sum.loadCpuSeconds += window.loadCpuSeconds;
  sum.othersSeconds += window.othersSeconds;
}
