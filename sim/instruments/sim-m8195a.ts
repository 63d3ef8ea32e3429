import type { Identity } from '../../core/instruments.ts'
import { CounterRandom } from '../../core/random.ts'
import type { DrivePort } from '../optics/world-ports.ts'
import type { WireInstrument } from '../ports/wire-instrument.ts'
import type { ScpiCall } from '../protocols/scpi-call.ts'
import type { ScpiRow } from '../protocols/scpi-commands.ts'
import { ScpiFault } from '../protocols/scpi-fault.ts'
import type { ScpiModel } from '../protocols/scpi-interpreter.ts'
import { ScpiStatus } from '../protocols/scpi-status.ts'
import type { SimContext, SimEntry } from '../sim-entry.ts'
import { M8195aPlayer } from './m8195a-player.ts'
import { ScpiServer } from './scpi-server.ts'

const LARGEST_WORD = 0xffff_ffff
const MOST_ENTRIES_READ = 65_536
const WORDS_AN_ENTRY = 6
const VOLTS = { MV: 1e-3, V: 1 }
const HERTZ = { HZ: 1, KHZ: 1e3, MHZ: 1e6, GHZ: 1e9 }

/**
 * Twin of a Keysight M8195A arbitrary waveform generator, as far as this project drives it: four channels from extended
 * memory at a quarter of the converters' rate, arbitrary and sequence mode, automatic advance.
 *
 * Errors: -221 for changes of modes while running or waiting, and of memory and table that are in use then; else as
 * memory and sequencer say.
 * Source: M8195A User's Guide rev. 2 §4 (streaming), §6.8 to §6.21. Where it is silent, which error number comes is an assumption.
 */
export class SimM8195a implements ScpiModel {
  readonly identity: string
  readonly status = new ScpiStatus({ signed: false })
  readonly rows: readonly ScpiRow[]
  readonly #player: M8195aPlayer
  #swapped = false

  constructor(port: DrivePort, { name, seed, clock }: SimContext) {
    this.#player = new M8195aPlayer(port, clock)
    const { maker, model, serial, firmware } = m8195aIdentity(name, seed)
    this.identity = [maker, model, serial, firmware].join()
    this.rows = [...this.#setupRows(), ...this.#runRows(), ...this.#memoryRows(), ...this.#tableRows()]
  }

  reset(): void {
    this.#player.reset()
    this.#swapped = false
  }

  idle(signal: AbortSignal): Promise<void> | undefined {
    return this.#player.idle(signal)
  }

  #setupRows(): readonly ScpiRow[] {
    const player = this.#player
    return [
      this.#choice(
        ':INSTrument:DACMode',
        ['SINGle', 'DUAL', 'FOUR', 'MARKer', 'DCDuplicate', 'DCMarker'],
        () => player.settings.dacMode,
        (word) => (player.settings.dacMode = word),
      ),
      this.#choice(
        ':INSTrument:MEMory:EXTended:RDIVider',
        ['DIV1', 'DIV2', 'DIV4'],
        () => player.settings.divider,
        (word) => (player.settings.divider = word),
      ),
      this.#choice(
        ':TRACe{4}:MMODe',
        ['INTernal', 'EXTended'],
        (call) => player.settings.memoryModes[call.suffix() - 1]!,
        (word, call) => (player.settings.memoryModes[call.suffix() - 1] = word),
      ),
      this.#choice(
        '[:SOURce]:FUNCtion:MODE',
        // Scenarios are not played by this twin.
        ['ARBitrary', 'STSequence'],
        () => player.settings.mode,
        (word) => (player.settings.mode = word),
      ),
      {
        header: '[:SOURce]:FREQuency:RASTer',
        set: (call) => {
          const rateHz = call.number({ min: 53.76e9, max: 65e9, units: HERTZ })
          player.requireStopped()
          player.setRate(rateHz)
        },
        query: () => exponential(player.settings.rateHz),
      },
      this.#level('[:SOURce]:VOLTage{4}[:LEVel][:IMMediate][:AMPLitude]', 0.075, 1, 'amplitudesVpp'),
      this.#level('[:SOURce]:VOLTage{4}[:LEVel][:IMMediate]:OFFSet', -1, 3.3, 'offsetsV'),
      {
        header: ':OUTPut{4}[:STATe]',
        set: (call) => {
          player.settings.outputs[call.suffix() - 1] = call.boolean()
          player.outputsChanged()
        },
        query: (call) => flag(player.settings.outputs[call.suffix() - 1]!),
      },
      {
        header: ':FORMat:BORDer',
        set: (call) => void (this.#swapped = call.word('NORMal', 'SWAPped') === 'SWAP'),
        query: () => (this.#swapped ? 'SWAP' : 'NORM'),
      },
    ]
  }

  #runRows(): readonly ScpiRow[] {
    const player = this.#player
    return [
      { header: ':ABORt{4}', takes: 0, set: () => player.stop() },
      { header: ':INITiate[:IMMediate{4}]', takes: 0, set: () => player.start() },
      this.#switch(':INITiate:CONTinuous{4}[:STATe]', 'continuous'),
      this.#switch(':INITiate:GATE{4}[:STATe]', 'gated'),
      this.#choice(
        ':INITiate:CONTinuous{4}:ENABle',
        ['SELF', 'ARMed'],
        () => player.settings.enable,
        (word) => (player.settings.enable = word),
      ),
      this.#choice(
        ':ARM[:SEQuence][:STARt]:TRIGger:SOURce',
        ['TRIGger', 'EVENt', 'INTernal'],
        () => player.settings.triggerSource,
        (word) => (player.settings.triggerSource = word),
      ),
      this.#switch(':TRIGger[:SEQuence][:STARt]:BEGin:HWDisable', 'triggerInputOff'),
      { header: ':TRIGger[:SEQuence][:STARt]:BEGin[:IMMediate]', takes: 0, set: () => player.trigger() },
      { header: ':TRIGger[:SEQuence][:STARt]:ENABle[:IMMediate]', takes: 0, set: () => player.enableEvent() },
    ]
  }

  #memoryRows(): readonly ScpiRow[] {
    const { memory } = this.#player
    const channel = (call: ScpiCall): number => call.suffix() - 1
    const read = (call: ScpiCall): Int8Array => {
      this.#player.requireStopped()
      return memory.read(channel(call), segment(call), word(call), word(call))
    }
    return [
      {
        header: ':TRACe{4}:DEFine',
        takes: 3,
        set: (call) => {
          const [id, length] = [segment(call), word(call)]
          const initial = call.left > 0 ? call.integer(-128, 127) : 0
          this.#player.requireStopped()
          memory.define(id, length, initial)
        },
      },
      {
        header: ':TRACe{4}[:DATA]',
        takes: Infinity,
        set: (call) => {
          const [id, offset] = [segment(call), word(call)]
          const data = call.nextIsBlock ? call.block() : Uint8Array.from(rest(call, -128, 127))
          this.#player.requireSegmentUnused(id)
          memory.write(channel(call), id, offset, data)
        },
        asks: 3,
        query: (call) => read(call).join(),
      },
      {
        header: ':TRACe{4}[:DATA]:BLOCk',
        asks: 3,
        query: (call) => {
          const { buffer, byteOffset, length } = read(call)
          return new Uint8Array(buffer, byteOffset, length)
        },
      },
      {
        header: ':TRACe{4}:DELete',
        set: (call) => {
          const id = segment(call)
          this.#player.requireStopped()
          memory.delete(id)
        },
      },
      { header: ':TRACe{4}:DELete:ALL', takes: 0, set: () => this.#stopped(() => memory.clear()) },
      { header: ':TRACe{4}:CATalog', query: () => memory.catalogue() },
      { header: ':TRACe{4}:FREE', query: () => `${memory.free},${memory.used},${memory.free}` },
      {
        header: ':TRACe{4}:SELect',
        set: (call) => {
          const id = segment(call)
          memory.get(id)
          this.#stopped(() => (this.#player.settings.segment = id))
        },
        query: () => String(this.#player.settings.segment),
      },
    ]
  }

  #tableRows(): readonly ScpiRow[] {
    const { table } = this.#player
    const index = (call: ScpiCall): number => call.integer(0, 2 ** 24 - 2)
    return [
      {
        header: '[:SOURce]:STABle:DATA',
        takes: Infinity,
        set: (call) => {
          const first = index(call)
          const words = call.nextIsBlock ? this.#words(call.block()) : Uint32Array.from(rest(call, 0, LARGEST_WORD))
          this.#player.requireEntriesUnused(first, words.length / WORDS_AN_ENTRY)
          table.write(first, words)
        },
        asks: 2,
        query: (call) => {
          const [first, words] = [index(call), call.integer(WORDS_AN_ENTRY, WORDS_AN_ENTRY * MOST_ENTRIES_READ)]
          if (words % WORDS_AN_ENTRY !== 0) throw new ScpiFault(-222, 'six words an entry')
          this.#player.requireStopped()
          return table.read(first, words).join()
        },
      },
      { header: '[:SOURce]:STABle:RESet', takes: 0, set: () => this.#stopped(() => table.reset()) },
      {
        header: '[:SOURce]:STABle:SEQuence:SELect',
        set: (call) => {
          const first = index(call)
          this.#stopped(() => (this.#player.settings.firstEntry = first))
        },
        query: () => String(this.#player.settings.firstEntry),
      },
      { header: '[:SOURce]:STABle:SEQuence:STATe', query: () => String(this.#player.sequenceState()) },
      this.#switch('[:SOURce]:STABle:DYNamic[:STATe]', 'dynamic'),
      { header: '[:SOURce]:STABle:DYNamic:SELect', set: (call) => this.#player.selectNext(index(call)) },
    ]
  }

  #choice(
    header: string,
    words: readonly string[],
    read: (call: ScpiCall) => string,
    write: (word: string, call: ScpiCall) => void,
  ): ScpiRow {
    return {
      header,
      set: (call) => {
        const word = call.word(...words)
        this.#stopped(() => write(word, call))
      },
      query: read,
    }
  }

  #switch(header: string, setting: 'continuous' | 'gated' | 'triggerInputOff' | 'dynamic'): ScpiRow {
    return {
      header,
      set: (call) => {
        const on = call.boolean()
        this.#stopped(() => (this.#player.settings[setting] = on))
      },
      query: () => flag(this.#player.settings[setting]),
    }
  }

  #level(header: string, min: number, max: number, setting: 'amplitudesVpp' | 'offsetsV'): ScpiRow {
    return {
      header,
      set: (call) => {
        this.#player.settings[setting][call.suffix() - 1] = call.number({ min, max, units: VOLTS })
        this.#player.levelsChanged()
      },
      asks: 1,
      query: (call) => {
        const set = this.#player.settings[setting][call.suffix() - 1]!
        return exponential(call.left > 0 ? call.number({ min, max, units: VOLTS }) : set)
      },
    }
  }

  #stopped(change: () => void): void {
    this.#player.requireStopped()
    change()
  }

  #words(block: Uint8Array): Uint32Array {
    if (block.length % 4 !== 0) throw new ScpiFault(-161)
    const view = new DataView(block.buffer, block.byteOffset, block.length)
    return Uint32Array.from({ length: block.length / 4 }, (_, at) => view.getUint32(4 * at, this.#swapped))
  }
}

const segment = (call: ScpiCall): number => call.integer(1, 2 ** 24 - 1)
const word = (call: ScpiCall): number => call.integer(0, LARGEST_WORD)
const flag = (on: boolean): string => (on ? '1' : '0')
const exponential = (value: number): string => value.toExponential(12).toUpperCase()

/** Values written as a list instead of a block. */
function rest(call: ScpiCall, min: number, max: number): number[] {
  if (call.left === 0) throw new ScpiFault(-109)
  return Array.from({ length: call.left }, () => call.integer(min, max))
}

export function m8195aIdentity(name: string, seed: number): Identity {
  const number = Math.floor(1e8 * new CounterRandom(seed, `m8195a/${name}/serial`).uniform(0))
  const serial = `DE${String(number).padStart(8, '0')}`
  return { maker: 'Keysight Technologies', model: 'M8195A', serial, firmware: '3.7.0.0' }
}

export const simM8195a: SimEntry<'symbol-generator'> = {
  kind: 'symbol-generator',
  create: (port, context): WireInstrument => new ScpiServer(new SimM8195a(port, context), { whileAnswering: 'queue' }),
}
