import type { Clock } from '../../core/clock.ts'
import type { WireConnection, WireInstrument } from '../ports/wire-instrument.ts'
import type { ModbusDevice } from '../protocols/modbus-pdu.ts'
import { answerRtu, RtuRequestReader } from '../protocols/modbus-rtu.ts'
import { answerMbap, MbapRequestReader } from '../protocols/modbus-tcp.ts'

export interface RtuOptions {
  readonly unit: number
  readonly clock: Clock
  /** Requests that follow the last exchange sooner than this are not heard. Default 0: all are heard. */
  readonly minGapMs?: number
}

/** A unit on a serial line. */
export class RtuInstrument implements WireInstrument {
  readonly #device: ModbusDevice
  readonly #options: RtuOptions
  #lastNs = Number.NEGATIVE_INFINITY

  constructor(device: ModbusDevice, options: RtuOptions) {
    this.#device = device
    this.#options = options
  }

  attach(send: (bytes: Uint8Array) => void): WireConnection {
    const { unit, clock, minGapMs = 0 } = this.#options
    const reader = new RtuRequestReader()
    let attached = true
    const take = (frame: Uint8Array): void => {
      const nowNs = clock.monotonicNs()
      const early = nowNs - this.#lastNs < minGapMs * 1e6
      this.#lastNs = nowNs
      if (early) return
      const reply = answerRtu(this.#device, unit, frame)
      if (reply !== undefined && attached) send(reply)
    }
    return {
      receive: (bytes) => reader.receive(bytes, clock.monotonicNs(), take),
      detach: () => {
        attached = false
      },
    }
  }
}

/** An instrument with a network address of its own. */
export class MbapInstrument implements WireInstrument {
  readonly #device: ModbusDevice

  constructor(device: ModbusDevice) {
    this.#device = device
  }

  attach(send: (bytes: Uint8Array) => void): WireConnection {
    const reader = new MbapRequestReader()
    let attached = true
    const take = (frame: Uint8Array): void => {
      const reply = answerMbap(this.#device, frame)
      if (reply !== undefined && attached) send(reply)
    }
    return {
      receive: (bytes) => {
        if (attached) reader.receive(bytes, take)
      },
      detach: () => {
        attached = false
      },
    }
  }
}
