// Lines to begin with: each set shows something else that a cache in front of an embedder does.

export interface Example {
  readonly name: string
  readonly lines: readonly string[]
}

export const EXAMPLES: readonly Example[] = [
  {
    name: 'log lines',
    lines: [
      'Created container 100',
      'Created container 101',
      'Created container 102',
      'Deleted container 100',
      'Started nginx.service',
      'Stopped nginx.service',
      'Started postgresql.service',
      'Interface eth0 is up',
      'Interface eth0 is down',
      'Interface veth3 is up',
      'Failed password for root from 203.0.113.7 port 52311 ssh2',
      'Failed password for admin from 203.0.113.9 port 40122 ssh2',
      'Accepted publickey for deploy from 198.51.100.4 port 60201 ssh2',
      'Out of memory: Killed process 4211 (java)',
      'disk usage on /var is 91%',
      'disk usage on /home is 54%',
      'GET /api/v1/containers HTTP/1.1 200',
      'GET /api/v1/containers HTTP/1.1 502',
      'Backup finished in 312 s',
      'Created container 100',
    ],
  },
  {
    name: 'sentences',
    lines: [
      'The cat sleeps on the warm window sill.',
      'A kitten naps by the sunny window.',
      'The dog chases a ball across the garden.',
      'A puppy runs after its toy on the lawn.',
      'It will rain in the mountains tomorrow.',
      'Heavy showers are expected in the Alps.',
      'The sun will shine all weekend.',
      'She bakes bread every Sunday morning.',
      'He makes fresh rolls before breakfast.',
      'The soup needs a little more salt.',
      'The train to Vienna leaves at nine.',
      'Our flight to Lisbon was delayed.',
      'The bus was late again this morning.',
      'He plays the violin in an orchestra.',
      'She sings in the choir on Thursdays.',
      'The concert was sold out in an hour.',
    ],
  },
]

/** Texts for the comparison: many, all different, as long as log lines are. */
export function comparisonLines(count: number): string[] {
  return Array.from({ length: count }, (_, i) => {
    const line = EXAMPLES[0]!.lines[i % 19]!
    return `${line} (comparison ${i})`
  })
}
