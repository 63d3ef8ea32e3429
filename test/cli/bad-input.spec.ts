import { mkdir, readFile, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { encodeNpy } from '../../orchestrator/arrays/npy.ts'
import {
  copyOf,
  DEFAULT_BENCH,
  edit,
  expectFailure,
  fringe,
  query,
  scratchFolder,
  SMALL_BENCH,
  SMALL_PRODUCT,
  smallJournal,
  writeSmallFactors,
} from './fringe-process.ts'
import { servedBench } from './served-bench.ts'

const PATIENCE_MS = 120_000

describe('a call that makes no sense', { timeout: PATIENCE_MS }, () => {
  test.each([
    ['an unknown command', ['chek', 'x.yaml'], /unknown command 'chek' \(Did you mean check\?\)/],
    ['an unknown flag', ['check', 'x.yaml', '--simm'], /unknown option '--simm' \(Did you mean --sim\?\)/],
    ['no bench file', ['check'], /missing required argument 'bench'; see: fringe check --help/],
    ['too many words', ['check', 'a.yaml', 'b.yaml'], /too many arguments/],
    ['no place for C', ['matmul', 'x.yaml', 'A.npy', 'B.npy'], /required option '-o, --output <file>' not specified/],
    ['too little memory', ['matmul', 'x.yaml', 'a', 'b', '-o', 'c', '--memory', '5'], /Memory is a number with KiB/],
    ['another type of C', ['matmul', 'x.yaml', 'a', 'b', '-o', 'c', '--dtype', 'int8'], /choices are float32, float64/],
    ['no step', ['convolve', 'x.yaml', 'a', 'b', '-o', 'c', '--stride', '0'], /It is a whole number from 1 to 10000/],
    ['a seed that is no number', ['check', 'x.yaml', '--sim', '--seed', 'x'], /A seed is a whole number from 0/],
    ['a seed with a fraction', ['check', 'x.yaml', '--sim', '--seed', '1.5'], /A seed is a whole number from 0/],
    ['a negative seed', ['check', 'x.yaml', '--sim', '--seed', '-1'], /A seed is a whole number from 0/],
    ['a seed for hardware', ['check', 'x.yaml', '--seed', '1'], /--seed chooses the chip of the twin.*add --sim/],
    ['an unknown kind of twin', ['check', 'x.yaml', '--sim=vxi'], /Allowed choices are pipe, wire, direct/],
  ])('is refused with 2 for %s', async (_, args, message) => {
    expect(await expectFailure(await fringe([...args, '--json']), 2, 'CALL_INVALID')).toMatch(message)
  })

  test('is refused with 2 for no command at all', async () => {
    expect(await fringe([])).toEqual({ code: 2, stdout: '', stderr: 'error: say what to do; see: fringe --help\n' })
  })

  test('has its message on standard error, and nothing on standard output, without --json', async () => {
    const ended = await fringe(['chek'])
    expect(ended).toMatchObject({ code: 2, stdout: '' })
    expect(ended.stderr).toBe(`error: unknown command 'chek' (Did you mean check?); see: fringe --help\n`)
  })

  test('shows where it came from when FRINGE_DEBUG is set', async () => {
    process.env['FRINGE_DEBUG'] = '1'
    try {
      expect((await fringe(['chek'])).stderr).toMatch(/^\s+at .*main\.js/m)
    } finally {
      delete process.env['FRINGE_DEBUG']
    }
  })
})

describe('help', { timeout: PATIENCE_MS }, () => {
  test('names every command, and the exit codes', async () => {
    const { code, stdout } = await fringe(['--help'])
    expect(code).toBe(0)
    for (const name of ['check', 'sim', 'calibrate', 'matmul', 'convolve', 'runs', 'show', 'replay', 'demo']) {
      expect(stdout).toMatch(new RegExp(`^ {2}${name} `, 'm'))
    }
    expect(stdout).toContain('4 a replay diverged')
  })

  test.each(['check', 'sim', 'calibrate', 'matmul', 'convolve', 'runs', 'show', 'replay', 'demo'])(
    'of %s has an example, and --json',
    async (name) => {
      const { code, stdout } = await fringe([name, '--help'])
      expect(code).toBe(0)
      expect(stdout).toContain(`Example: fringe ${name}`)
      expect(stdout).toContain('--json')
    },
  )

  test('takes --sim before the bench file for a flag of its own', async () => {
    expect((await fringe(['check', '--sim', SMALL_BENCH])).code).toBe(0)
  })
})

describe('a bad bench file', { timeout: PATIENCE_MS }, () => {
  async function withChange(change: (text: string) => string): Promise<string> {
    const path = join(await scratchFolder(), 'bench.yaml')
    await writeFile(path, change(await readFile(DEFAULT_BENCH, 'utf8')))
    return path
  }

  test.each([
    [
      'a typo in a key',
      (text: string) => text.replace('powerDbm:', 'powerDbn:'),
      /:\d+:\d+ .*did you mean "powerDbm"\?/,
    ],
    [
      'an unknown driver',
      (text: string) => text.replace('oif-itla', 'oif-ilta'),
      /:\d+:\d+ .*did you mean "oif-itla"\?/,
    ],
    ['a channel used twice', (text: string) => text.replace('awg-1.1-4', 'awg-0.1-4'), /:\d+:\d+ .*already used by/],
  ])('with %s is refused with 2, at its line and column', async (_, change, message) => {
    const bench = await withChange(change)
    expect(await expectFailure(await fringe(['check', bench, '--sim', '--json']), 2, 'BENCH_FILE_INVALID')).toMatch(
      message,
    )
  })

  test('that is not there is refused with 2 by every command that takes one', async () => {
    for (const args of [
      ['check', 'no.yaml'],
      ['sim', 'no.yaml'],
      ['calibrate', 'no.yaml', '--sim'],
      ['matmul', 'no.yaml', 'A.npy', 'B.npy', '-o', 'C.npy'],
    ]) {
      const ended = await fringe([...args, '--json'], { cwd: await scratchFolder() })
      expect(await expectFailure(ended, 2, 'BENCH_FILE_INVALID')).toContain('there is no such file')
    }
  })
})

describe('a bench that cannot be reached', { timeout: PATIENCE_MS }, () => {
  test('is named instrument by instrument, with 3', async () => {
    // Ports 1 to 3 of this machine answer nobody, and /dev/small does not exist.
    const cwd = await scratchFolder()
    const checked = await fringe(['check', SMALL_BENCH], { cwd })
    expect(checked.code).toBe(3)
    expect(checked.stdout).toMatch(/FAULT +laser/)
    expect(checked.stdout).toMatch(/small-bench: 9 faults/)
    const ended = await fringe(['calibrate', SMALL_BENCH, '--json'], { cwd })
    const message = await expectFailure(ended, 3, 'TRANSPORT_OPEN_FAILED')
    expect(message.split('\n')).toHaveLength(9)
    expect(message).toContain('awg (keysight-m8195a at TCPIP::127.0.0.1::1::SOCKET)')
    const replay = await fringe(['replay', 'last', '--json'], { cwd })
    expect(await expectFailure(replay, 2, 'CALL_INVALID')).toMatch(/did not open.*there is nothing to replay/s)
  })

  test('because the wrong instrument is behind a resource says who answered, with 3', async () => {
    const cwd = await scratchFolder()
    const { resources, bench, stop } = await servedBench(cwd, SMALL_BENCH)
    expect((await fringe(['check', bench])).code).toBe(0)
    const [awg, pm] = [resources.get('awg') ?? '', resources.get('pm') ?? '']
    const swapped = (await readFile(bench, 'utf8')).replace(awg, 'PLACE').replace(pm, awg).replace('PLACE', pm)
    await writeFile(bench, swapped)
    const message = await expectFailure(
      await fringe(['calibrate', bench, '--json'], { cwd }),
      3,
      'INSTRUMENT_WRONG_IDENTITY',
    )
    expect(message).toMatch(/awg .*N7745C.*\n?.*pm .*M8195A/s)
    const checked = await fringe(['check', bench, '--json'])
    expect(checked.code).toBe(3)
    expect(await stop()).toBe(0)
  })
})

describe('a bad matrix', { timeout: PATIENCE_MS }, () => {
  /** `.npy` with another element type than float64 has; the numbers themselves are zeros. */
  function npyOf(descr: string, shape: string, dataBytes: number): Uint8Array {
    const head = encodeNpy({ shape: [1, 1], data: new Float64Array(1) }).subarray(0, 10)
    const dict = `{'descr': '${descr}', 'fortran_order': False, 'shape': ${shape}, }`.padEnd(117) + '\n'
    return Buffer.concat([head, Buffer.from(dict), new Uint8Array(dataBytes)])
  }
  const real = (value: number): Uint8Array => encodeNpy({ shape: [4, 4], data: new Float64Array(16).fill(value) })

  test.each([
    ['holds long doubles', npyOf('<f16', '(4, 4)', 256), 'ARRAY_FILE_INVALID', /holds elements of type "<f16", of 16/],
    [
      'has no inner dimension',
      npyOf('<f8', '(6, 0)', 0),
      'ARRAY_FILE_INVALID',
      /has shape \(6, 0\) and so no elements/,
    ],
    [
      'has other batches',
      npyOf('<f8', '(2, 0, 4)', 0),
      'ARRAY_FILE_INVALID',
      /has shape \(2, 0, 4\) and so no elements/,
    ],
    ['holds objects', npyOf('|O', '(4, 4)', 128), 'ARRAY_FILE_INVALID', /A\.npy holds Python objects/],
    ['is cut short', npyOf('<f8', '(4, 4)', 100), 'ARRAY_FILE_INVALID', /A\.npy is cut short/],
    ['has NaN', real(NaN), 'ARRAY_FILE_INVALID', /A\.npy element \[0, 0\] is NaN; every element must be finite/],
    ['has Inf', real(Infinity), 'ARRAY_FILE_INVALID', /A\.npy element \[0, 0\] is Infinity/],
    [
      'is a vector',
      npyOf('<f8', '(4,)', 32),
      'ARRAY_FILE_INVALID',
      /a matrix has two dimensions: save it as A\.reshape/,
    ],
    ['does not fit', npyOf('<f8', '(4, 5)', 160), 'SHAPE_MISMATCH', /A\.npy is 4×5 and B\.npy is 4×3: A needs as many/],
    ['is too large', real(1e308), 'ARRAY_FILE_INVALID', /A\.npy times B\.npy may exceed what float64 holds/],
    ['is no matrix at all', Buffer.from('hello'), 'ARRAY_FILE_INVALID', /write it with numpy\.save/],
  ])('that %s is refused with 2, before anything is switched on', async (_, bytes, code, message) => {
    const cwd = await scratchFolder()
    await writeSmallFactors(cwd)
    await writeFile(join(cwd, 'A.npy'), bytes)
    expect(await expectFailure(await fringe([...SMALL_PRODUCT, '--json'], { cwd }), 2, code)).toMatch(message)
    await expect(readFile(join(cwd, 'fringe.db'))).rejects.toThrow(/ENOENT/)
  })

  test.each([
    ['in a folder that is not there', 'nowhere/C.npy', /there is no folder nowhere; create it first/],
    ['that is a folder', 'folder', /it is a folder; give the path of a file/],
  ])('and a place for C %s are refused with 2', async (_, place, message) => {
    const cwd = await scratchFolder()
    await writeSmallFactors(cwd)
    await mkdir(join(cwd, 'folder'))
    const args = SMALL_PRODUCT.map((word) => (word === 'C.npy' ? place : word))
    expect(await expectFailure(await fringe([...args, '--json'], { cwd }), 2, 'ARRAY_FILE_INVALID')).toMatch(message)
  })
})

describe('a bad journal', { timeout: PATIENCE_MS }, () => {
  const commands = (journal: string): string[][] => [
    ['runs', '--journal', journal],
    ['show', 'last', '--journal', journal],
    ['replay', 'last', '--journal', journal],
    ['calibrate', SMALL_BENCH, '--sim', '--journal', journal],
  ]

  test('of another version is refused with 2 by every command, and left as it is', async () => {
    const journal = await copyOf(join(await smallJournal(), 'fringe.db'))
    await edit(journal, 'PRAGMA user_version = 99')
    for (const args of commands(journal)) {
      const message = await expectFailure(await fringe([...args, '--json']), 2, 'JOURNAL_UNREADABLE')
      expect(message).toMatch(/is a journal of version 99.*Use the newer Fringe/)
    }
    expect(await query(journal, 'SELECT count(*) AS n FROM runs')).toEqual([{ n: 2 }])
  })

  test('that was cut short is refused with 2', async () => {
    const journal = await copyOf(join(await smallJournal(), 'fringe.db'))
    await truncate(journal, 200_000)
    for (const args of commands(journal).slice(0, 3)) {
      const message = await expectFailure(await fringe([...args, '--json']), 2, 'JOURNAL_UNREADABLE')
      expect(message).toContain('is damaged or cut short')
    }
  })

  test('that is another program’s file is refused with 2, and left as it is', async () => {
    const journal = join(await scratchFolder(), 'letter.txt')
    await writeFile(journal, 'Dear reader, this is no journal.')
    for (const args of commands(journal)) {
      const message = await expectFailure(await fringe([...args, '--json']), 2, 'JOURNAL_UNREADABLE')
      expect(message).toContain('is not a journal')
    }
    expect(await readFile(journal, 'utf8')).toContain('Dear reader')
  })

  test('in a folder that is not there is refused with 2', async () => {
    for (const args of commands('nowhere/fringe.db')) {
      expect((await fringe(args, { cwd: await scratchFolder() })).code).toBe(2)
    }
  })

  test('is not blamed for a run that it does not hold', async () => {
    const journal = join(await smallJournal(), 'fringe.db')
    for (const name of ['show', 'replay']) {
      const ended = await fringe([name, '2020', '--journal', journal, '--json'])
      expect(await expectFailure(ended, 2, 'RUN_UNKNOWN')).toMatch(/no run is called "2020"\. Did you mean/)
    }
  })
})
