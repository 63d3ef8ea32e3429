import { execFile, spawnSync } from 'node:child_process'
import { describe, expect, test } from 'vitest'
import { servePseudoTerminal } from '../../sim/ports/pseudo-terminal.ts'
import { serveTcp } from '../../sim/ports/tcp-server.ts'
import { inputV, meter, monitor, oven, SUPPLY } from './served.ts'

const hasMbpoll = spawnSync('mbpoll', ['-V']).error === undefined
if (!hasMbpoll) console.info('skipped: there is no mbpoll here (Debian: mbpoll)')

/** Runs mbpoll once and resolves with what it printed, on either stream: its failures go to standard error. */
function mbpoll(...args: readonly string[]): Promise<string> {
  return new Promise((resolve) => {
    execFile('mbpoll', ['-1', '-0', '-o', '3', ...args], (_error, stdout, stderr) => resolve(stdout + stderr))
  })
}

/** Values by reference, as mbpoll prints them: `[12]: 	984.5`. */
const values = (printed: string): readonly number[] =>
  [...printed.matchAll(/^\[\d+\]:\s+(-?[\d.e+-]+)/gm)].map(([, value]) => Number(value))

const WRITTEN = /Written 1 reference/

describe.skipIf(!hasMbpoll)('mbpoll', () => {
  test('reads, sets and reads back the simulated energy meter, and hears its exceptions', async () => {
    await using port = await servePseudoTerminal(meter())
    const line = ['-m', 'rtu', '-b', '9600', '-P', 'none', '-B']
    const identity = await mbpoll(...line, '-t', '4', '-r', '64514', '-c', '2', port.path)
    expect(values(identity)[0]).toBe(0x0020)
    const power = await mbpoll(...line, '-t', '3:float', '-r', '12', port.path)
    expect(values(power)[0]).toBeCloseTo(SUPPLY.powerW, 1)
    expect(await mbpoll(...line, '-t', '4:float', '-r', '2', port.path, '30')).toMatch(WRITTEN)
    expect(values(await mbpoll(...line, '-t', '4:float', '-r', '2', port.path))).toEqual([30])
    expect(await mbpoll(...line, '-t', '3', '-r', '1', port.path)).toMatch(/Illegal data address/i)
  })

  test('unlocks, sets and reads the simulated temperature controller', async () => {
    await using port = await servePseudoTerminal(oven())
    const line = ['-m', 'rtu', '-b', '9600', '-P', 'even', '-t', '4']
    expect(await mbpoll(...line, '-r', '8451', port.path, '314')).toMatch(/Slave device or server failure/i)
    expect(await mbpoll(...line, '-r', '0', port.path, '1')).toMatch(WRITTEN)
    expect(await mbpoll(...line, '-r', '8451', port.path, '314')).toMatch(WRITTEN)
    expect(values(await mbpoll(...line, '-r', '8192', port.path))).toEqual([314])
    expect(values(await mbpoll(...line, '-r', '8451', '-c', '4', port.path))).toHaveLength(4)
  })

  test('reads a block of inputs of the simulated voltage monitor, sets a range, and hears its exceptions', async () => {
    await using server = await serveTcp(monitor())
    const place = ['-m', 'tcp', '-p', String(server.port), '-B', '127.0.0.1']
    expect(values(await mbpoll('-t', '4:float', '-r', '60000', ...place))).toEqual([7])
    expect(await mbpoll('-t', '4:float', '-r', '40000', ...place, '1')).toMatch(WRITTEN)
    expect(values(await mbpoll('-t', '4:float', '-r', '40000', ...place))).toEqual([1])
    const read = values(await mbpoll('-t', '4:float', '-r', '0', '-c', '14', ...place))
    expect(read).toHaveLength(14)
    for (const [channel, voltageV] of read.entries()) expect(voltageV).toBeCloseTo(inputV(channel), 2)
    expect(await mbpoll('-t', '4', '-r', '0', ...place)).toMatch(/Slave device or server failure/i)
  })
})
