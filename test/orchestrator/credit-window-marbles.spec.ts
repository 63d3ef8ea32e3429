import type { Observable } from 'rxjs'
import { describe, test } from 'vitest'
import { creditWindow } from '../../orchestrator/operators/credit-window.ts'
import { answerOf, promisedMarbles } from '../support/marbles.ts'

/** A source whose items come when their marbles do, each asked for only when it is pulled. */
const pulled = (items: readonly Observable<string>[]) =>
  async function* (signal: AbortSignal): AsyncGenerator<string> {
    for (const item of items) yield await answerOf(item, signal)
  }

/** Work that is done when its marble comes. */
const workOf =
  (works: Readonly<Record<string, Observable<string>>>) =>
  (item: string, signal: AbortSignal): Promise<string> =>
    answerOf(works[item]!, signal)

describe('a credit window in marbles', () => {
  test('of 1 pulls the next item when the one before is done', () =>
    promisedMarbles(({ cold, expectObservable, expectSubscriptions }) => {
      const items = [cold('-a'), cold('-b')]
      const works = { a: cold(' --x'), b: cold('    --y') }
      expectObservable(creditWindow(pulled(items), 1, workOf(works))).toBe('---x--(y|)')
      expectSubscriptions(items[0]!).toBe('^!')
      expectSubscriptions(works.a).toBe('  -^-!')
      expectSubscriptions(items[1]!).toBe('---^!')
      expectSubscriptions(works.b).toBe(' ----^-!')
    }))

  test('of 3 has three items under way and pulls the fourth when the first is done', () =>
    promisedMarbles(({ cold, expectObservable, expectSubscriptions }) => {
      const items = ['a', 'b', 'c', 'd'].map((item) => cold(`(${item}|)`))
      const works = { a: cold('----w'), b: cold('-----x'), c: cold('-y'), d: cold('------z') }
      expectObservable(creditWindow(pulled(items), 3, workOf(works))).toBe('----w(xy)-(z|)')
      for (const first of [0, 1, 2]) expectSubscriptions(items[first]!).toBe('(^!)')
      expectSubscriptions(items[3]!).toBe('----(^!)')
      expectSubscriptions(works.c).toBe('^!')
      expectSubscriptions(works.d).toBe('----^-----!')
    }))

  test('that waits for a slow first item holds back what is done behind it, and pulls nothing meanwhile', () =>
    promisedMarbles(({ cold, expectObservable, expectSubscriptions }) => {
      const items = ['a', 'b', 'c'].map((item) => cold(item))
      const works = { a: cold('--------x'), b: cold('-y'), c: cold('----z') }
      expectObservable(creditWindow(pulled(items), 2, workOf(works))).toBe('--------(xy)(z|)')
      expectSubscriptions(items[2]!).toBe('--------(^!)')
    }))

  test('over an empty source completes at once, over one that is silent never', () =>
    promisedMarbles(({ cold, expectObservable, expectSubscriptions }) => {
      const silent = cold('-')
      expectObservable(creditWindow(pulled([]), 2, workOf({}))).toBe('|')
      expectObservable(creditWindow(pulled([silent]), 2, workOf({})), '-----!').toBe('-')
      expectSubscriptions(silent).toBe('^----!')
    }))

  test('passes on the error of its source when the work before it has settled', () =>
    promisedMarbles(({ cold, expectObservable }) => {
      const works = { a: cold('-----x') }
      const failing = pulled([cold('-a'), cold('-#')])
      expectObservable(creditWindow(failing, 2, workOf(works))).toBe('------#')
    }))

  test('passes on the error of its work when the work beside it has settled, and begins nothing more', () =>
    promisedMarbles(({ cold, expectObservable, expectSubscriptions }) => {
      const items = ['a', 'b', 'c', 'd'].map((item) => cold(item))
      const works = { a: cold('--#'), b: cold('------y'), c: cold('z') }
      expectObservable(creditWindow(pulled(items), 2, workOf(works))).toBe('------#')
      expectSubscriptions(works.b).toBe('^-----!')
      expectSubscriptions(items[2]!).toBe([])
    }))

  test('unsubscribed ends the item that is awaited and all work under way', () =>
    promisedMarbles(({ cold, expectObservable, expectSubscriptions }) => {
      const items = [cold('a'), cold('-b'), cold('---c')]
      const works = { a: cold('--x'), b: cold('-------y') }
      expectObservable(creditWindow(pulled(items), 3, workOf(works)), '---!').toBe('--')
      expectSubscriptions(items[2]!).toBe('-^-!')
      expectSubscriptions(works.b).toBe('  -^-!')
    }))

  test('is pulled by each of two subscriptions for itself', () =>
    promisedMarbles(({ cold, expectObservable, expectSubscriptions }) => {
      const item = cold('-a')
      const work = cold('---x')
      const stream = creditWindow(pulled([item]), 1, workOf({ a: work }))
      expectObservable(stream).toBe('----(x|)')
      expectObservable(stream, '--!').toBe('--')
      expectSubscriptions(item).toBe(['^!', '^!'])
      expectSubscriptions(work).toBe(['-^--!', '-^!'])
    }))
})
