/** What a process says by its exit code. Scripts rely on these numbers. */
export const EXIT = {
  done: 0,
  workFailed: 1,
  callWrong: 2,
  notSafeOrNotReachable: 3,
  replayDiverged: 4,
} as const

export type ExitCode = (typeof EXIT)[keyof typeof EXIT]
