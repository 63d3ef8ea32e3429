import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { copyOf, documentOf, edit, fringe, query, SMALL_BENCH, scratchFolder, smallJournal } from './fringe-process.ts'
import type { Ended } from './fringe-process.ts'

const PATIENCE_MS = 120_000

interface Divergence {
  readonly step: number | null
  readonly stepName: string | null
  readonly wire: string | null
  readonly record: number | null
  readonly message: string
}

describe('a replay', { timeout: PATIENCE_MS }, () => {
  let journal = ''
  beforeAll(async () => {
    journal = join(await smallJournal(), 'fringe.db')
  }, PATIENCE_MS)

  const replay = (file: string, run = 'last'): Promise<Ended> => fringe(['replay', run, '--journal', file, '--json'])

  /** Exit code 4, with the difference. */
  async function divergenceOf(ended: Ended): Promise<Divergence> {
    expect(ended.code, ended.stderr).toBe(4)
    const { matched, divergence } = (await documentOf('replay', ended)) as { matched: boolean; divergence: Divergence }
    expect(matched).toBe(false)
    expect(ended.stderr).toContain(divergence.message)
    return divergence
  }

  /** A record in the middle of the product's run: a laser is told its channel, a meter answers, an oven is asked. */
  async function recordOf(
    wire: string,
    direction: 'tx' | 'rx',
  ): Promise<{ batch: number; last: number; seq: number; stepName: string }> {
    const rows = await query(
      journal,
      `SELECT batches.rowid AS batch, (record.value ->> 5) + (record.value ->> 6) AS last,
         record.value ->> 2 AS seq, steps.name AS stepName
       FROM wire_batches AS batches, json_each(batches.records) AS record
       JOIN steps ON steps.run = batches.run AND steps.step = record.value ->> 4
       WHERE batches.run = (SELECT max(id) FROM runs)
         AND record.value ->> 0 = '${wire}' AND record.value ->> 1 = '${direction}' ORDER BY seq`,
    )
    const { batch, last, seq, stepName } = rows[Math.floor(rows.length / 2)]!
    return { batch: Number(batch), last: Number(last), seq: Number(seq), stepName: String(stepName) }
  }

  describe.each(['laser', 'awg', 'shifters', 'pm', 'oven'])('on the wire of %s', (wire) => {
    test.each(['tx', 'rx'] as const)('notices one flipped bit of one byte, %s', async (direction) => {
      const { batch, last, seq, stepName } = await recordOf(wire, direction)
      const copy = await copyOf(journal)
      const [byte] = await query(
        copy,
        `SELECT hex(substr(bytes, ${last}, 1)) AS last FROM wire_batches WHERE rowid = ${batch}`,
      )
      const flipped = (parseInt(String(byte?.['last']), 16) ^ 1).toString(16).padStart(2, '0')
      await edit(
        copy,
        `UPDATE wire_batches SET bytes = CAST(substr(bytes, 1, ?1 - 1) || x'${flipped}' || substr(bytes, ?1 + 1) AS BLOB)
         WHERE rowid = ?2`,
        last,
        batch,
      )
      const divergence = await divergenceOf(await replay(copy))
      expect(divergence).toMatchObject({ wire, record: seq, stepName })
      expect(divergence.message).toContain(`"${stepName}"`)
    })
  })

  test.each([
    ['a step with another name', `UPDATE steps SET name = 'prepare' WHERE name = 'prepare frames'`, 'prepare'],
    [
      'a step with another detail',
      `UPDATE steps SET detail = replace(detail, '6', '7') WHERE name = 'multiply'`,
      'multiply',
    ],
    ['a step too few', `DELETE FROM steps WHERE name = 'make safe'`, 'make safe'],
    [
      'a step too many',
      `INSERT INTO steps SELECT run, 99, 0, 'dance', NULL, t_ns FROM steps WHERE name = 'make safe'`,
      'dance',
    ],
  ])('notices %s', async (_, sql, stepName) => {
    const copy = await copyOf(journal)
    await edit(copy, `${sql} AND run = (SELECT max(id) FROM runs)`)
    const divergence = await divergenceOf(await replay(copy))
    expect(divergence.message).toContain(stepName)
    expect(divergence.stepName).not.toBeNull()
  })

  test.each([
    ['the seed in the header', `UPDATE runs SET header = replace(header, '"seed":3', '"seed":4')`],
    [
      'a comment in the bench file',
      `UPDATE runs SET header = replace(header, 'The smallest bench', 'The finest bench')`,
    ],
    ['a header that is no JSON', `UPDATE runs SET header = substr(header, 2)`],
    ['the quality of the result', `UPDATE runs SET result = replace(result, '"frames":4', '"frames":5')`],
    ['a result that is gone', `UPDATE runs SET result = NULL`],
    ['an input', `UPDATE blobs SET bytes = CAST(substr(bytes, 1, length(bytes) - 1) || x'00' AS BLOB)`],
    ['blobs that are gone', `DELETE FROM blobs`],
    ['the calibration', `UPDATE calibrations SET record = replace(record, '"lanes":1', '"lanes":2')`],
    ['a calibration that is gone', `DELETE FROM calibrations`],
    ['a reading of power', `UPDATE samples SET value = value * 1.0000001`],
    ['the quality of a frame', `UPDATE frames SET data = replace(data, '"attempt":1', '"attempt":2')`],
    ['records that are gone', `DELETE FROM wire_batches WHERE rowid = (SELECT max(rowid) FROM wire_batches)`],
  ])('notices %s', async (_, sql) => {
    const copy = await copyOf(journal)
    await edit(copy, sql)
    const divergence = await divergenceOf(await replay(copy))
    expect(divergence.message).toMatch(/diverged on/)
  })

  test('of a run that failed follows it to the same failure', async () => {
    const place = await scratchFolder()
    const bench = join(place, 'bright.yaml')
    await writeFile(bench, (await readFile(SMALL_BENCH, 'utf8')).replace('powerDbm: 8', 'powerDbm: 13'))
    const failed = await fringe(['calibrate', bench, '--sim', '--json'], { cwd: place })
    expect(failed.code).toBe(1)
    expect(failed.stderr).toContain('all that was opened is safe, read back')
    const { code, stdout } = await fringe(['replay', 'last'], { cwd: place })
    expect(stdout).toContain('it failed in the same way')
    expect(code).toBe(0)
  })
})
