/**
 * What may be read and set on an open resource, under names of ours.
 *
 * Units: `stopBits` in tenths, so 10, 15 or 20; `parity` 0 none, 1 odd, 2 even; `flowControl` 0 none, 1 XON/XOFF,
 * 2 RTS/CTS; `interfaceType` 1 GPIB, 4 serial, 5 PXI, 6 TCP/IP, 7 USB.
 * Source: VPP-4.3 "The VISA Library" §5 and VPP-4.3.2 §3.
 */
export const VISA_ATTRIBUTES = {
  interfaceType: { id: 0x3fff0171, is: 'number' },
  interfaceName: { id: 0xbfff00e9, is: 'text' },
  resourceClass: { id: 0xbfff0001, is: 'text' },
  libraryMaker: { id: 0xbfff0174, is: 'text' },
  termChar: { id: 0x3fff0018, is: 'number' },
  termCharEnabled: { id: 0x3fff0038, is: 'flag' },
  baudRate: { id: 0x3fff0021, is: 'number' },
  dataBits: { id: 0x3fff0022, is: 'number' },
  parity: { id: 0x3fff0023, is: 'number' },
  stopBits: { id: 0x3fff0024, is: 'number' },
  flowControl: { id: 0x3fff0025, is: 'number' },
} as const satisfies Record<string, { readonly id: number; readonly is: 'number' | 'flag' | 'text' }>

interface Values {
  number: number
  flag: boolean
  text: string
}

export type VisaAttribute = keyof typeof VISA_ATTRIBUTES
export type VisaAttributeValue<A extends VisaAttribute> = Values[(typeof VISA_ATTRIBUTES)[A]['is']]
/** Text is only ever read. */
export type SettableVisaAttribute = {
  [A in VisaAttribute]: (typeof VISA_ATTRIBUTES)[A]['is'] extends 'text' ? never : A
}[VisaAttribute]
