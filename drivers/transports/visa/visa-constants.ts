/**
 * Completion codes of VISA operations, as the library returns them: errors are negative, and some successes are not 0.
 *
 * Source: VPP-4.3.2 "VISA Implementation Specification for Textual Languages" §3; Keysight IO Libraries "VISA Error
 * Codes".
 */
export const STATUS = {
  SUCCESS: 0,
  TERM_CHAR: 0x3fff0005,
  MAX_CNT: 0x3fff0006,
  RSRC_LOCKED: 0xbfff000f | 0,
  RSRC_NFOUND: 0xbfff0011 | 0,
  TMO: 0xbfff0015 | 0,
  NSUP_ATTR: 0xbfff001d | 0,
  NSUP_ATTR_STATE: 0xbfff001e | 0,
  ATTR_READONLY: 0xbfff001f | 0,
  INV_EVENT: 0xbfff0026 | 0,
  NSUP_OPER: 0xbfff0067 | 0,
  ASRL_PARITY: 0xbfff006a | 0,
  ASRL_FRAMING: 0xbfff006b | 0,
  ASRL_OVERRUN: 0xbfff006c | 0,
  RSRC_BUSY: 0xbfff0072 | 0,
  NIMPL_OPER: 0xbfff0081 | 0,
  NSUP_MECH: 0xbfff00a4 | 0,
} as const

export const ATTRIBUTE = {
  SEND_END_EN: 0x3fff0016,
  TERMCHAR: 0x3fff0018,
  TMO_VALUE: 0x3fff001a,
  TERMCHAR_EN: 0x3fff0038,
  ASRL_END_IN: 0x3fff00b3,
  INTF_TYPE: 0x3fff0171,
  RSRC_CLASS: 0xbfff0001,
} as const

export const INTERFACE_SERIAL = 4
export const END_AT_TERMCHAR = 2
export const NO_LOCK = 0
export const EXCLUSIVE_LOCK = 1
export const EVENT_SERVICE_REQUEST = 0x3fff200b
export const MECHANISM_QUEUE = 1
export const IMMEDIATE = 0
export const TRIGGER_DEFAULT = 0
/** Room for any text that the library writes: VI_FIND_BUFLEN. */
export const TEXT_BYTES = 256
