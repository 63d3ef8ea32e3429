import type { Range } from '../../core/range.ts'
import { ITLA_IDENTITY } from './itla-module.ts'

/** Why a command is refused: the low four bits of register 0x00. */
export const ITLA_REFUSAL = {
  none: 0x0,
  notImplemented: 0x1,
  notWritable: 0x2,
  outOfRange: 0x3,
  pending: 0x4,
  endOfExtended: 0x6,
  outputEnabled: 0x9,
} as const

/** MHz parts that only agreement 01.3 knows. */
const MHZ_REGISTERS = [0x63, 0x64, 0x66, 0x67, 0x68, 0x69, 0x6a, 0x6b]

/** Readable and writable, with their values at power-on. Thresholds are assumptions, the masks of 0x28–0x2A defaults. */
const WRITABLE: readonly (readonly [register: number, atPowerOn: number])[] = [
  [0x08, 0],
  [0x0d, 0],
  [0x0e, 0],
  [0x0f, 0],
  [0x14, 0],
  [0x22, 1000],
  [0x23, 100],
  [0x24, 100],
  [0x25, 50],
  [0x26, 1000],
  [0x27, 500],
  [0x28, 0x1fbf],
  [0x29, 0x000f],
  [0x2a, 0x0d0d],
  [0x30, 1],
  [0x31, 1000],
  [0x33, 0x0002],
  [0x34, 500],
  [0x35, 191],
  [0x36, 5000],
  [0x59, 0],
  [0x5a, 100],
  [0x5b, 0],
  [0x5c, 0],
  [0x5d, -500],
  [0x5e, 7000],
  [0x5f, 90],
  [0x60, 75],
  [0x62, 0],
  [0x63, 0],
  [0x64, 0],
  [0x65, 0],
  [0x66, 0],
  [0x67, 0],
]

/** Answered by the laser's own state: no words of their own, and not writable. */
const LIVE_READ_ONLY = [0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x13, 0x40, 0x41, 0x42, 0x57, 0x58, 0x68]

export interface ItlaCapabilities {
  readonly resolvesMhz: boolean
  readonly powerRangeDbm: Range
}

/** What a laser keeps: settings, capabilities and texts. */
export class ItlaRegisterFile {
  readonly serial: string
  readonly #resolvesMhz: boolean
  readonly #writable: Map<number, number>
  readonly #readOnly: ReadonlyMap<number, number>
  readonly #extended: ReadonlyMap<number, readonly number[]>

  constructor(serial: string, capabilities: ItlaCapabilities, minMhz: number, maxMhz: number) {
    this.serial = serial
    this.#resolvesMhz = capabilities.resolvesMhz
    this.#writable = new Map(WRITABLE)
    this.#readOnly = new Map([
      [0x09, 0],
      [0x0a, 0],
      [0x0b, 0],
      [0x15, 0],
      [0x43, 2500],
      [0x4f, 6000],
      [0x50, Math.round(capabilities.powerRangeDbm.min * 100)],
      [0x51, Math.round(capabilities.powerRangeDbm.max * 100)],
      ...frequencyWords([0x52, 0x53, 0x69], minMhz),
      ...frequencyWords([0x54, 0x55, 0x6a], maxMhz),
      [0x56, 1],
      [0x61, 0],
      [0x6b, 0],
    ])
    this.#extended = new Map([
      [0x01, text('CW ITLA')],
      [0x02, text(ITLA_IDENTITY.maker)],
      [0x03, text(ITLA_IDENTITY.model)],
      [0x04, text(serial)],
      [0x05, text('01-JAN-2026')],
      [0x06, text(ITLA_IDENTITY.firmware)],
      [0x07, text('SIM:1.0')],
      // Diode and cooler current in 0.1 mA, diode and case temperature in 0.01 °C. Assumptions.
      [0x57, [...word(1500), ...word(3000)]],
      [0x58, [...word(2500), ...word(3500)]],
    ])
  }

  /** What a read announces byte by byte instead of answering with a word. */
  extended(register: number): readonly number[] | undefined {
    return this.#extended.get(register)
  }

  word(register: number): number | undefined {
    if (this.#lacks(register)) return undefined
    return this.#writable.get(register) ?? this.#readOnly.get(register)
  }

  signed(register: number): number {
    return ((this.word(register) ?? 0) << 16) >> 16
  }

  store(register: number, data: number): void {
    this.#writable.set(register, data)
  }

  /** Why a write would be refused whatever the laser is doing. A frequency never is for its value. */
  refusal(register: number, data: number): number {
    const signed = (data << 16) >> 16
    if (this.#lacks(register)) return ITLA_REFUSAL.notImplemented
    if (!this.#writable.has(register)) {
      const known = this.#readOnly.has(register) || LIVE_READ_ONLY.includes(register)
      return known ? ITLA_REFUSAL.notWritable : ITLA_REFUSAL.notImplemented
    }
    const inRange =
      register === 0x30
        ? data >= 1
        : register === 0x31
          ? signed >= this.signed(0x50) && signed <= this.signed(0x51)
          : register !== 0x62 || Math.abs(signed) <= this.signed(0x4f)
    return inRange ? ITLA_REFUSAL.none : ITLA_REFUSAL.outOfRange
  }

  firstChannelMhz(): number {
    return (this.word(0x35) ?? 0) * 1e6 + (this.word(0x36) ?? 0) * 100 + this.signed(0x67)
  }

  channelOffsetMhz(): number {
    const channel = (this.word(0x65) ?? 0) * 0x10000 + (this.word(0x30) ?? 0)
    return (channel - 1) * (this.signed(0x34) * 100 + this.signed(0x66))
  }

  #lacks(register: number): boolean {
    return !this.#resolvesMhz && MHZ_REGISTERS.includes(register)
  }
}

function frequencyWords(registers: readonly [number, number, number], mhz: number): [number, number][] {
  const [thz, tenthsGhz, rest] = registers
  return [
    [thz, Math.floor(mhz / 1e6)],
    [tenthsGhz, Math.floor((mhz % 1e6) / 100)],
    [rest, mhz % 100],
  ]
}

const text = (characters: string): readonly number[] => [...Buffer.from(`${characters}\0`, 'latin1')]
const word = (value: number): readonly number[] => [(value >> 8) & 0xff, value & 0xff]
