/** Whether a topic is named, or matched by a pattern; as in Kafka, patterns do not match internal topics (`__...`). */
export function matchesTopic(patterns: readonly (string | RegExp)[], topic: string): boolean {
  return patterns.some((pattern) => {
    if (typeof pattern === 'string') return pattern === topic
    // A global or sticky pattern carries state from one test to the next.
    pattern.lastIndex = 0
    return !topic.startsWith('__') && pattern.test(topic)
  })
}
