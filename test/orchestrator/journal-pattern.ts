import type { RunHeader } from '../../orchestrator/journal/records.ts'

export const HEADER: RunHeader = {
  versions: { fringe: '0.1.0', node: '20' },
  engines: { calibration: 'plain JavaScript, float64, 1 thread' },
  commit: 'c0ffee',
  bench: { path: 'bench.yaml', text: 'core: mesh\n', hash: 'b3' },
  calibrations: [],
  seed: 7,
  instruments: [],
  arguments: { command: 'matmul', files: ['A.npy', 'B.npy'] },
}

export const PATTERN_WIRES = ['laser', 'Ofen über 30 °C', 'awg-1']

/** Bytes that differ from record to record, 0 to 96 of them. */
export function patternBytes(record: number): Uint8Array {
  const bytes = new Uint8Array(record % 97)
  for (let i = 0; i < bytes.length; i++) bytes[i] = (record * 31 + i * 7) & 0xff
  return bytes
}
