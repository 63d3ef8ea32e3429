import { EventEmitter } from 'node:events'
import modbusSerial from 'modbus-serial'
import crc16 from 'modbus-serial/utils/crc16.js'
import { BenchError } from '../../core/errors.ts'
import { unexpectedModbusReply } from '../protocols/modbus.ts'

/** One request and how to read its reply. Both are whole RTU frames: unit, function, data, check sum. */
export interface ModbusExchange<T> {
  readonly request: Uint8Array
  /**
   * Takes the one frame that came back.
   * Throws: PROTOCOL_CHECKSUM; PROTOCOL_UNEXPECTED_REPLY with the raw reply.
   */
  accept(frame: Uint8Array): ModbusOutcome<T>
}

/** An exception is an answer: the wire is in order and the next question may follow. */
export type ModbusOutcome<T> = { readonly value: T } | { readonly refused: BenchError }

type ModbusError = Error & { readonly modbusCode?: number }
type Next<R> = (error: ModbusError | null, result: R) => void

/**
 * The client of `modbus-serial` with nothing behind its port: it builds requests and reads replies, and the bytes
 * travel over our own wire.
 *
 * It keeps no timer and no queue, so the traps of its own ports (no default timeout, transaction numbers modulo
 * 256, late replies taken for the next answer) cannot spring.
 */
export class ModbusClient {
  readonly #unit: number
  readonly #port = new ExchangePort()
  readonly #client = new modbusSerial.default(this.#port)

  constructor(unit: number) {
    this.#unit = unit
    this.#client.open()
  }

  readHolding(address: number, count: number): ModbusExchange<Uint16Array> {
    return this.#begin<{ readonly data: readonly number[] }, Uint16Array>(
      () => `read ${count} holding registers at ${register(address)}`,
      (next) => this.#client.writeFC3(this.#unit, address, count, next),
      ({ data }, frame) => registers(data, count, frame),
    )
  }

  readInput(address: number, count: number): ModbusExchange<Uint16Array> {
    return this.#begin<{ readonly data: readonly number[] }, Uint16Array>(
      () => `read ${count} input registers at ${register(address)}`,
      (next) => this.#client.writeFC4(this.#unit, address, count, next),
      ({ data }, frame) => registers(data, count, frame),
    )
  }

  writeRegister(address: number, value: number): ModbusExchange<undefined> {
    return this.#begin<{ readonly address: number; readonly value: number }, undefined>(
      () => `write ${value} to register ${register(address)}`,
      (next) => this.#client.writeFC6(this.#unit, address, value, next),
      (echo, frame) => {
        if (echo.address === address && echo.value === value) return undefined
        throw unexpectedModbusReply(
          `${register(echo.address)} = ${echo.value} for ${register(address)} = ${value}`,
          frame,
        )
      },
    )
  }

  writeRegisters(address: number, values: Uint16Array): ModbusExchange<undefined> {
    const count = values.length
    return this.#begin<{ readonly address: number; readonly length: number }, undefined>(
      () => `write ${count} registers at ${register(address)}`,
      (next) => this.#client.writeFC16(this.#unit, address, Array.from(values), next),
      (echo, frame) => {
        if (echo.address === address && echo.length === count) return undefined
        throw unexpectedModbusReply(
          `${echo.length} at ${register(echo.address)} for ${count} at ${register(address)}`,
          frame,
        )
      },
    )
  }

  /** Function 08, sub-function 0: whoever is there sends the same bytes back. */
  loopbackRequest(word: number): Uint8Array {
    this.#client.writeCustomFC(this.#unit, 8, [0, 0, word >> 8, word & 0xff], () => undefined)
    return this.#port.takeRequest()
  }

  #begin<R, T>(
    wanted: () => string,
    send: (next: Next<R>) => void,
    read: (result: R, frame: Uint8Array) => T,
  ): ModbusExchange<T> {
    const answers: ({ readonly error: ModbusError } | { readonly result: R })[] = []
    send((error, result) => answers.push(error === null ? { result } : { error }))
    return {
      request: this.#port.takeRequest(),
      accept: (frame) => {
        this.#port.emit('data', asBuffer(frame))
        const answer = answers.pop()
        if (answer === undefined) throw unexpectedModbusReply('a frame that answers nothing', frame)
        // The package looks at the unit of a value, but not at that of an exception.
        const refusal = 'error' in answer && answer.error.modbusCode !== undefined
        if (refusal && frame[0] !== this.#unit)
          throw unexpectedModbusReply(`unit ${frame[0] ?? 0} for ${this.#unit}`, frame)
        if (refusal) return { refused: refused(this.#unit, wanted(), answer.error, frame) }
        if ('error' in answer) throw unreadable(answer.error, frame)
        return { value: read(answer.result, frame) }
      },
    }
  }
}

/** An RTU frame around a unit and a reply that came without check sum, as over TCP. */
export function withChecksum(unitAndPdu: Uint8Array): Buffer {
  const frame = Buffer.allocUnsafe(unitAndPdu.length + 2)
  frame.set(unitAndPdu)
  const checksum = crc16(unitAndPdu)
  frame[unitAndPdu.length] = checksum & 0xff
  frame[unitAndPdu.length + 1] = checksum >> 8
  return frame
}

/** What modbus-serial takes for a port: it keeps what is written, and hands over what is emitted. */
class ExchangePort extends EventEmitter {
  readonly isOpen = true
  #request: Uint8Array | undefined

  open(done: (error: Error | null) => void): void {
    done(null)
  }

  write(bytes: Uint8Array): void {
    this.#request = bytes
  }

  takeRequest(): Uint8Array {
    const request = this.#request
    this.#request = undefined
    if (request === undefined) throw new BenchError('CALL_INVALID', 'modbus-serial built no request')
    return request
  }
}

/** Whole and in one piece, as modbus-serial wants it. */
function asBuffer(frame: Uint8Array): Buffer {
  return Buffer.isBuffer(frame) ? frame : Buffer.from(frame.buffer, frame.byteOffset, frame.length)
}

function registers(data: readonly number[], count: number, frame: Uint8Array): Uint16Array {
  if (data.length !== count) throw unexpectedModbusReply(`${data.length} registers for ${count}`, frame)
  return new Uint16Array(data)
}

const register = (address: number): string => `0x${address.toString(16).padStart(4, '0')}`

function refused(unit: number, wanted: string, error: ModbusError, frame: Uint8Array): BenchError {
  return new BenchError('INSTRUMENT_REFUSED', `Modbus unit ${unit} refused to ${wanted}: ${error.message}`, {
    cause: error,
    context: { exception: error.modbusCode, reply: Buffer.from(frame).toString('hex') },
  })
}

function unreadable(error: Error, frame: Uint8Array): BenchError {
  if (error.message !== 'CRC error')
    return unexpectedModbusReply(`an answer to another question (${error.message})`, frame)
  return new BenchError('PROTOCOL_CHECKSUM', 'Modbus: the check sum of the reply is wrong', {
    cause: error,
    context: { reply: Buffer.from(frame).toString('hex') },
  })
}
