import { STATUS, TEXT_BYTES } from './visa-constants.ts'
import { codeWhileOpening, textOf, visaError } from './visa-error.ts'
import type { VisaCalls } from './visa-library.ts'

/** Everything; interfaces, backplanes and memory are sorted out here, because libraries differ in patterns. */
const ANYTHING = '?*'
const INSTRUMENT = /::(INSTR|SOCKET|RAW)$/i

/** Names of all instruments that the library knows of, in its order. */
export function findNames(calls: VisaCalls): readonly string[] {
  const [manager, list, count] = [new Uint32Array(1), new Uint32Array(1), new Uint32Array(1)]
  const name = new Uint8Array(TEXT_BYTES)
  const require = (call: keyof VisaCalls, status: number): void => {
    if (status >= 0) return
    throw visaError(calls, { code: codeWhileOpening(status), resource: 'VISA', call, status, object: manager[0]! })
  }
  require('viOpenDefaultRM', calls.viOpenDefaultRM(manager))
  try {
    const found = calls.viFindRsrc(manager[0]!, ANYTHING, list, count, name)
    if (found === STATUS.RSRC_NFOUND) return []
    require('viFindRsrc', found)
    const names = [textOf(name)]
    // The list ends where the library says so, whatever it counted.
    while (names.length < count[0]! && calls.viFindNext(list[0]!, name) >= 0) names.push(textOf(name))
    calls.viClose(list[0]!)
    return names.filter((each) => INSTRUMENT.test(each))
  } finally {
    calls.viClose(manager[0]!)
  }
}
