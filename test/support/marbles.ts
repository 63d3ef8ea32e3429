import { firstValueFrom, fromEvent, takeUntil, VirtualTimeScheduler } from 'rxjs'
import type { Observable } from 'rxjs'
import { TestScheduler } from 'rxjs/testing'
import type { RunHelpers } from 'rxjs/testing'
import { expect } from 'vitest'

const same = (actual: unknown, expected: unknown): void => expect(actual).toEqual(expected)

/** Marbles of operators that take observables. */
export const marbles = (spec: (helpers: RunHelpers) => void): void => new TestScheduler(same).run(spec)

export interface PromisedHelpers {
  readonly cold: <T = string>(marbles: string, values?: Readonly<Record<string, T>>, error?: unknown) => ColdMarbles<T>
  readonly expectObservable: <T>(
    stream: Observable<T>,
    unsubscription?: string,
  ) => { readonly toBe: (marbles: string, values?: Readonly<Record<string, T>>, error?: unknown) => void }
  /** When it was asked for, and when its answer was there or was no longer wanted. */
  readonly expectSubscriptions: (of: ColdMarbles<unknown>) => { readonly toBe: (marbles: string | string[]) => void }
}

type ColdMarbles<T> = ReturnType<typeof TestScheduler.prototype.createColdObservable<T>>

const FRAME = 10
/** Longer than any diagram here. */
const FRAMES = 60

/**
 * Marbles of what waits for promises, too: virtual time passes frame by frame, and goes on only when no promise has
 * anything left to say.
 */
export async function promisedMarbles(spec: (helpers: PromisedHelpers) => void): Promise<void> {
  const scheduler = new TestScheduler(same)
  const plain = (marbles: string): string => marbles.replaceAll(' ', '')
  spec({
    cold: (marbles, values, error) => scheduler.createColdObservable(plain(marbles), values, error),
    expectObservable: (stream, unsubscription) => {
      const expectation = scheduler.expectObservable(stream, unsubscription && plain(unsubscription))
      return { toBe: (marbles, values, error) => expectation.toBe(plain(marbles), values, error) }
    },
    expectSubscriptions: ({ subscriptions }) => ({
      toBe: (marbles) => scheduler.expectSubscriptions(subscriptions).toBe([marbles].flat().map(plain)),
    }),
  })
  for (let frame = 0; frame <= FRAMES * FRAME; frame += FRAME) {
    scheduler.maxFrames = frame
    do {
      // Its own flush would compare before the end.
      VirtualTimeScheduler.prototype.flush.call(scheduler)
      scheduler.frame = frame
      await new Promise((resolve) => setImmediate(resolve))
    } while ((scheduler.actions[0]?.delay ?? Infinity) <= frame)
  }
  scheduler.flush()
}

/** The first value of a stream, for work that a signal ends. */
export const answerOf = <T>(stream: Observable<T>, signal: AbortSignal): Promise<T> =>
  firstValueFrom(stream.pipe(takeUntil(fromEvent(signal, 'abort'))))
