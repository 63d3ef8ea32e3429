import koffi from 'koffi'
import type { LibraryHandle } from 'koffi'
import { BenchError } from '../../../core/errors.ts'

/** Names a VISA library whatever else is installed. */
export const LIBRARY_VARIABLE = 'FRINGE_VISA_LIBRARY'

/** Where NI-VISA, R&S VISA and Keysight IO Libraries put theirs, or a link to it. */
const USUAL_NAMES: Readonly<Partial<Record<NodeJS.Platform, readonly string[]>>> = {
  linux: ['libvisa.so', 'libvisa.so.0', 'librsvisa.so', '/opt/keysight/iolibs/libktvisa32.so'],
  darwin: ['/Library/Frameworks/VISA.framework/VISA', '/Library/Frameworks/RsVisa.framework/RsVisa'],
  win32: ['visa64.dll', 'visa32.dll'],
}

/**
 * The functions of the library that are used, by their own names. Each returns a completion code; what else it says
 * comes in the arrays.
 *
 * Source: VPP-4.3 "The VISA Library"; on 64-bit systems ViSession and ViUInt32 have 32 bits and ViAttrState has 64.
 */
export interface VisaCalls {
  viOpenDefaultRM(manager: Uint32Array): number
  viFindRsrc(manager: number, expression: string, list: Uint32Array, count: Uint32Array, name: Uint8Array): number
  viFindNext(list: number, name: Uint8Array): number
  viOpen(manager: number, name: string, accessMode: number, timeoutMs: number, session: Uint32Array): number
  viClose(object: number): number
  viRead(session: number, bytes: Uint8Array, room: number, count: Uint32Array): number
  viWrite(session: number, bytes: Uint8Array, length: number, count: Uint32Array): number
  viClear(session: number): number
  viAssertTrigger(session: number, protocol: number): number
  viReadSTB(session: number, status: Uint16Array): number
  viEnableEvent(session: number, event: number, mechanism: number, context: number): number
  viDisableEvent(session: number, event: number, mechanism: number): number
  viDiscardEvents(session: number, event: number, mechanism: number): number
  viWaitOnEvent(session: number, event: number, timeoutMs: number, type: Uint32Array, context: Uint32Array): number
  viLock(session: number, type: number, timeoutMs: number, requestedKey: null, accessKey: null): number
  viUnlock(session: number): number
  viGetAttribute(object: number, attribute: number, value: Uint8Array): number
  viSetAttribute(object: number, attribute: number, value: number): number
  viStatusDesc(object: number, status: number, text: Uint8Array): number
}

const PARAMETERS: Readonly<Record<keyof VisaCalls, string>> = {
  viOpenDefaultRM: '_Out_ uint32_t *manager',
  viFindRsrc:
    'uint32_t manager, const char *expression, _Out_ uint32_t *list, _Out_ uint32_t *count, _Out_ uint8_t *name',
  viFindNext: 'uint32_t list, _Out_ uint8_t *name',
  viOpen: 'uint32_t manager, const char *name, uint32_t accessMode, uint32_t timeout, _Out_ uint32_t *session',
  viClose: 'uint32_t object',
  viRead: 'uint32_t session, _Out_ uint8_t *bytes, uint32_t room, _Out_ uint32_t *count',
  viWrite: 'uint32_t session, const uint8_t *bytes, uint32_t length, _Out_ uint32_t *count',
  viClear: 'uint32_t session',
  viAssertTrigger: 'uint32_t session, uint16_t protocol',
  viReadSTB: 'uint32_t session, _Out_ uint16_t *status',
  viEnableEvent: 'uint32_t session, uint32_t event, uint16_t mechanism, uint32_t context',
  viDisableEvent: 'uint32_t session, uint32_t event, uint16_t mechanism',
  viDiscardEvents: 'uint32_t session, uint32_t event, uint16_t mechanism',
  viWaitOnEvent: 'uint32_t session, uint32_t event, uint32_t timeout, _Out_ uint32_t *type, _Out_ uint32_t *context',
  viLock: 'uint32_t session, uint32_t type, uint32_t timeout, const char *requestedKey, _Out_ uint8_t *accessKey',
  viUnlock: 'uint32_t session',
  viGetAttribute: 'uint32_t object, uint32_t attribute, _Out_ uint8_t *value',
  viSetAttribute: 'uint32_t object, uint32_t attribute, uint64_t value',
  viStatusDesc: 'uint32_t object, int32_t status, _Out_ uint8_t *text',
}

export interface VisaLibrary {
  /** Under which it was found. */
  readonly path: string
  readonly calls: VisaCalls
}

/**
 * Loads the library that is named, else the one the environment names, else the first of the usual ones.
 *
 * Throws: TRANSPORT_OPEN_FAILED saying what to install or to name, or what the library lacks.
 */
export function loadVisaLibrary(named?: string): VisaLibrary {
  const fromEnvironment = process.env[LIBRARY_VARIABLE] ?? ''
  const name = named ?? (fromEnvironment === '' ? undefined : fromEnvironment)
  const candidates = name === undefined ? (USUAL_NAMES[process.platform] ?? []) : [name]
  const reasons: string[] = []
  for (const path of candidates) {
    try {
      return { path, calls: bind(path, koffi.load(path)) }
    } catch (error) {
      if (error instanceof BenchError) throw error
      reasons.push(error instanceof Error ? error.message : String(error))
    }
  }
  const missing = name === undefined ? 'no VISA library is installed' : `the VISA library ${name} cannot be loaded`
  throw new BenchError(
    'TRANSPORT_OPEN_FAILED',
    `${missing}; install NI-VISA, Keysight IO Libraries Suite or R&S VISA, or name another library in ` +
      `${LIBRARY_VARIABLE}. Only GPIB, PXI, VXI and resources that begin with VISA need one: sockets, VXI-11, HiSLIP, ` +
      'USBTMC, serial and Modbus resources do not',
    { context: { tried: candidates, reasons } },
  )
}

function bind(path: string, library: LibraryHandle): VisaCalls {
  const bound = Object.entries(PARAMETERS).map(([name, parameters]) => {
    try {
      return [name, library.func(`int32_t ${name}(${parameters})`)] as const
    } catch (cause) {
      throw new BenchError('TRANSPORT_OPEN_FAILED', `${path} is not a VISA library: it has no function ${name}`, {
        cause,
        context: { library: path, missing: name },
      })
    }
  })
  return Object.fromEntries(bound) as unknown as VisaCalls
}
