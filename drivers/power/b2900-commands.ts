import type { SourceLevel, SourceSweep } from '../../core/instruments.ts'

/** Under which node of `:SOURce` the level stands. */
export const nodeOf = ({ force }: SourceLevel): 'VOLT' | 'CURR' => (force === 'voltage' ? 'VOLT' : 'CURR')

/** What is forced, in volts or amperes. */
export const forced = (level: SourceLevel): number => (level.force === 'voltage' ? level.voltageV : level.currentA)

/** The levels of a sweep, one by one. */
export function stepsOf(sweep: SourceSweep): readonly SourceLevel[] {
  return sweep.force === 'voltage'
    ? Array.from(sweep.voltagesV, (voltageV) => ({ force: 'voltage', voltageV, limitA: sweep.limitA }))
    : Array.from(sweep.currentsA, (currentA) => ({ force: 'current', currentA, limitV: sweep.limitV }))
}

/**
 * From one level to another, function last: until then the output knows nothing of it.
 *
 * A level that shrinks goes first and its limit follows, so that the two never ask for more than either state does.
 */
export function levelCommands(c: number, level: SourceLevel, before: SourceLevel | undefined): readonly string[] {
  const node = nodeOf(level)
  const limit =
    level.force === 'voltage' ? `:SENS${c}:CURR:PROT ${level.limitA}` : `:SENS${c}:VOLT:PROT ${level.limitV}`
  const set = `:SOUR${c}:${node} ${forced(level)}`
  const shrinks = before?.force === level.force && Math.abs(forced(level)) < Math.abs(forced(before))
  return [...(shrinks ? [set, limit] : [limit, set]), `:SOUR${c}:${node}:MODE FIX`, `:SOUR${c}:FUNC:MODE ${node}`]
}

/** Nothing forced, whichever the function. */
export const restCommands = (c: number): readonly string[] =>
  ['VOLT', 'CURR'].flatMap((node) => [`:SOUR${c}:${node}:MODE FIX`, `:SOUR${c}:${node} 0`])
