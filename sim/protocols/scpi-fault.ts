/** An error that a command ends with: it goes into the error queue, and a question stays without an answer. */
export class ScpiFault extends Error {
  override readonly name = 'ScpiFault'
  readonly number: number

  constructor(number: number, detail = '') {
    super(detail)
    this.number = number
  }
}

/** Source: SCPI error numbers as listed in Keysight "B2900 SCPI Command Reference" ch. 5. */
export const SCPI_ERROR_TEXTS: Readonly<Record<number, string>> = {
  [-100]: 'Command error',
  [-101]: 'Invalid character',
  [-102]: 'Syntax error',
  [-103]: 'Invalid separator',
  [-104]: 'Data type error',
  [-105]: 'GET not allowed',
  [-108]: 'Parameter not allowed',
  [-109]: 'Missing parameter',
  [-112]: 'Program mnemonic too long',
  [-113]: 'Undefined header',
  [-114]: 'Header suffix out of range',
  [-120]: 'Numeric data error',
  [-121]: 'Invalid character in number',
  [-131]: 'Invalid suffix',
  [-138]: 'Suffix not allowed',
  [-141]: 'Invalid character data',
  [-151]: 'Invalid string data',
  [-160]: 'Block data error',
  [-161]: 'Invalid block data',
  [-171]: 'Invalid expression',
  [-200]: 'Execution error',
  [-211]: 'Trigger ignored',
  [-213]: 'Init ignored',
  [-220]: 'Parameter error',
  [-221]: 'Settings conflict',
  [-222]: 'Data out of range',
  [-223]: 'Too much data',
  [-224]: 'Illegal parameter value',
  [-230]: 'Data corrupt or stale',
  [-231]: 'Data questionable',
  [-240]: 'Hardware error',
  [-241]: 'Hardware missing',
  [-310]: 'System error',
  [-321]: 'Out of memory',
  [-350]: 'Queue overflow',
  [-363]: 'Input buffer overrun',
  [-400]: 'Query error',
  [-410]: 'Query INTERRUPTED',
  [-420]: 'Query UNTERMINATED',
  [-430]: 'Query DEADLOCKED',
  [-440]: 'Query UNTERMINATED after indefinite response',
}
