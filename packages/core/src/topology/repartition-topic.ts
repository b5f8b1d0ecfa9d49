/** Full name of the internal topic of a repartition, as Kafka Streams gives it. */
export function repartitionTopic(applicationId: string, name: string): string {
  return `${applicationId}-${name}-repartition`
}
