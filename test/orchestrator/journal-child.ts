import { writeSync } from 'node:fs'
import { SystemClock } from '../../core/clock.ts'
import { isBenchError } from '../../core/errors.ts'
import { Journal } from '../../orchestrator/journal/journal.ts'
import { HEADER, patternBytes, PATTERN_WIRES } from './journal-pattern.ts'

/*
 * A process of its own that journals until it is killed, until its journal fails, or as many records as asked.
 * Says on its output, after each flush that was acknowledged, how many records it covered.
 *
 * Arguments: file, number of records.
 */
const [file = '', records = ''] = process.argv.slice(2)
const say = (text: string): void => void writeSync(1, `${text}\n`)

await using journal = await Journal.open(file, { clock: new SystemClock(), mode: 'write' })
const run = await journal.startRun({ kind: 'demo', header: HEADER })
say(run.id)
const taps = PATTERN_WIRES.map((wire) => run.tap(wire))
try {
  for (let record = 0; record < Number(records); record++) {
    taps[record % taps.length]!.record(record % 2 === 0 ? 'tx' : 'rx', patternBytes(record))
    if (record % 250 === 249) {
      run.step(`after ${record + 1}`)
      await run.flush()
      say(String(record + 1))
    }
  }
  await run.finish('done')
  say('done')
} catch (error) {
  if (!isBenchError(error)) throw error
  // The bench must still be made safe over these wires.
  for (const tap of taps) tap.record('tx', patternBytes(0))
  say(error.code)
}
