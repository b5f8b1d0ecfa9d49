import com.sun.management.OperatingSystemMXBean;
import java.io.IOException;
import java.io.PrintStream;
import java.io.PrintWriter;
import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Properties;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.Deserializer;
import org.apache.kafka.common.serialization.Serde;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.common.utils.Bytes;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StoreQueryParameters;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.TaskMetadata;
import org.apache.kafka.streams.ThreadMetadata;
import org.apache.kafka.streams.Topology;
import org.apache.kafka.streams.errors.StreamsUncaughtExceptionHandler.StreamThreadExceptionResponse;
import org.apache.kafka.streams.kstream.Consumed;
import org.apache.kafka.streams.kstream.Grouped;
import org.apache.kafka.streams.kstream.KStream;
import org.apache.kafka.streams.kstream.Materialized;
import org.apache.kafka.streams.kstream.Produced;
import org.apache.kafka.streams.processor.StateRestoreListener;
import org.apache.kafka.streams.processor.api.ContextualFixedKeyProcessor;
import org.apache.kafka.streams.processor.api.FixedKeyRecord;
import org.apache.kafka.streams.processor.api.Processor;
import org.apache.kafka.streams.processor.api.Record;
import org.apache.kafka.streams.state.KeyValueIterator;
import org.apache.kafka.streams.state.KeyValueStore;
import org.apache.kafka.streams.state.QueryableStoreTypes;
import org.apache.kafka.streams.state.Stores;
import org.apache.kafka.streams.state.ValueAndTimestamp;

/**
 * The Kafka Streams side of {@code npm run bench:kafka}. Arguments are {@code --name value}:
 *
 * <pre>
 * --brokers --application-id --state-dir --input --output
 * --work        count | count-last | map | restore
 * --guarantee   at-least-once | exactly-once
 * --commit-ms   between commits
 * --records     how many it processes before it ends
 * --partitions  of the store that is restored
 * --state-file  what the store holds at the end goes there
 * </pre>
 *
 * Tells what it does on stdout, an object of JSON a line, as the other programs do (src/kafka/programs/program-config.ts).
 */
public final class BenchmarkApp extends StreamsProgram {
  private static final String STORE = "counts";
  private static final long LIMIT_MS = 30 * 60_000;
  private static final long LOOK_MS = 1;
  private static final OperatingSystemMXBean SYSTEM = (OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();

  private final PrintStream out = new PrintStream(System.out, true, StandardCharsets.UTF_8);
  private final long records;
  private final CountDownLatch ended = new CountDownLatch(1);
  private volatile Throwable failure;
  private volatile long beganNs;
  private volatile long beganCpuNs;
  // Only of the one thread that processes.
  private boolean hasBegun;
  private long processed;
  private int restored;

  private BenchmarkApp(String[] args) {
    super(args);
    records = Long.parseLong(argument("records"));
  }

  public static void main(String[] args) throws Exception {
    System.exit(new BenchmarkApp(args).run());
  }

  private int run() throws Exception {
    try (KafkaStreams streams = new KafkaStreams(topology(), settings())) {
      streams.setUncaughtExceptionHandler(
          error -> {
            failure = error;
            ended.countDown();
            return StreamThreadExceptionResponse.SHUTDOWN_CLIENT;
          });
      if (work().equals("restore")) streams.setGlobalStateRestoreListener(new Restore());
      streams.start();
      if (work().equals("restore")) ended.await(LIMIT_MS, TimeUnit.MILLISECONDS);
      else awaitCommit(streams);
      if (failure != null) throw new IllegalStateException("the application failed", failure);
      tellDone();
      while (streams.state() != KafkaStreams.State.RUNNING) Thread.sleep(LOOK_MS);
      if (!work().equals("map")) writeState(streams);
      streams.close();
      leaveGroup();
      return 0;
    } catch (IllegalStateException error) {
      error.printStackTrace();
      return 1;
    }
  }

  private String work() {
    return argument("work");
  }

  private Properties settings() {
    boolean exactlyOnce = argument("guarantee").equals("exactly-once");
    Properties settings = new Properties();
    settings.put(StreamsConfig.BOOTSTRAP_SERVERS_CONFIG, argument("brokers"));
    settings.put(StreamsConfig.APPLICATION_ID_CONFIG, argument("application-id"));
    settings.put(StreamsConfig.STATE_DIR_CONFIG, argument("state-dir"));
    settings.put(StreamsConfig.COMMIT_INTERVAL_MS_CONFIG, argument("commit-ms"));
    settings.put(StreamsConfig.PROCESSING_GUARANTEE_CONFIG, exactlyOnce ? StreamsConfig.EXACTLY_ONCE_V2 : StreamsConfig.AT_LEAST_ONCE);
    // What holds back one output a record: its default where one a commit is asked for, else none.
    if (!work().equals("count-last")) settings.put(StreamsConfig.STATESTORE_CACHE_MAX_BYTES_CONFIG, 0);
    settings.put(StreamsConfig.DEFAULT_KEY_SERDE_CLASS_CONFIG, Serdes.StringSerde.class);
    settings.put(StreamsConfig.DEFAULT_VALUE_SERDE_CLASS_CONFIG, Serdes.StringSerde.class);
    // As those of the others, in the words of this client.
    settings.put(StreamsConfig.producerPrefix(ProducerConfig.LINGER_MS_CONFIG), 10);
    settings.put(StreamsConfig.producerPrefix(ProducerConfig.BATCH_SIZE_CONFIG), 1_000_000);
    settings.put(StreamsConfig.producerPrefix(ProducerConfig.BUFFER_MEMORY_CONFIG), 134_217_728);
    settings.put(StreamsConfig.producerPrefix(ProducerConfig.COMPRESSION_TYPE_CONFIG), "lz4");
    settings.put(StreamsConfig.consumerPrefix(ConsumerConfig.MAX_POLL_RECORDS_CONFIG), 5_000);
    settings.put(StreamsConfig.consumerPrefix(ConsumerConfig.FETCH_MAX_WAIT_MS_CONFIG), 100);
    settings.put(StreamsConfig.BUFFERED_RECORDS_PER_PARTITION_CONFIG, 5_000);
    return settings;
  }

  private Topology topology() {
    if (work().equals("restore")) return restoreTopology();
    StreamsBuilder builder = new StreamsBuilder();
    Deserializer<String> plain = Serdes.String().deserializer();
    Deserializer<String> stamping =
        (topic, bytes) -> {
          if (!hasBegun) begin();
          return plain.deserialize(topic, bytes);
        };
    KStream<String, String> input =
        builder
            .stream(argument("input"), Consumed.with(Serdes.serdeFrom(Serdes.String().serializer(), stamping), Serdes.String()))
            .processValues(Last::new);
    if (work().equals("map")) {
      input
          .filter((key, value) -> (value.charAt(9) & 1) == 0)
          .mapValues(value -> value.toUpperCase(Locale.ROOT))
          .to(argument("output"), Produced.with(Serdes.String(), Serdes.String()));
    } else {
      input
          .groupByKey(Grouped.with(Serdes.String(), Serdes.String()))
          .count(Materialized.<String, Long, KeyValueStore<Bytes, byte[]>>as(STORE).withKeySerde(Serdes.String()).withValueSerde(Serdes.Long()))
          .toStream()
          .to(argument("output"), Produced.with(Serdes.String(), Serdes.Long()));
    }
    return builder.build();
  }

  /** Asks for a commit with the last record, so that the interval between commits does not count. */
  private final class Last extends ContextualFixedKeyProcessor<String, String, String> {
    @Override
    public void process(FixedKeyRecord<String, String> record) {
      if (++processed == records) context().commit();
      context().forward(record);
    }
  }

  /** The plain store, which the DSL no longer makes. Its values may have other bytes behind the count. */
  private Topology restoreTopology() {
    Serde<Long> padded = Serdes.serdeFrom(Serdes.Long().serializer(), (topic, bytes) -> bytes == null ? null : ByteBuffer.wrap(bytes).getLong());
    return new Topology()
        .addSource("in", Serdes.String().deserializer(), Serdes.String().deserializer(), argument("input"))
        .addProcessor("count", Nothing::new, "in")
        .addStateStore(
            Stores.keyValueStoreBuilder(Stores.persistentKeyValueStore(STORE), Serdes.String(), padded).withCachingDisabled(), "count");
  }

  private static final class Nothing implements Processor<String, String, Void, Void> {
    @Override
    public void process(Record<String, String> record) {}
  }

  private final class Restore implements StateRestoreListener {
    @Override
    public synchronized void onRestoreStart(TopicPartition partition, String store, long from, long to) {
      if (!hasBegun) begin();
    }

    @Override
    public void onBatchRestored(TopicPartition partition, String store, long to, long count) {}

    @Override
    public synchronized void onRestoreEnd(TopicPartition partition, String store, long total) {
      if (++restored == Integer.parseInt(argument("partitions"))) ended.countDown();
    }
  }

  private void begin() {
    hasBegun = true;
    beganCpuNs = SYSTEM.getProcessCpuTime();
    beganNs = System.nanoTime();
    out.println("{\"type\":\"started\"}");
  }

  /** Until offsets are committed of as many records as there are: their partitions begin at 0, and hold nothing else. */
  private void awaitCommit(KafkaStreams streams) throws InterruptedException {
    long until = System.nanoTime() + LIMIT_MS * 1_000_000;
    while (failure == null && committed(streams) < records) {
      if (System.nanoTime() > until) throw new IllegalStateException("in state " + streams.state() + ", " + committed(streams) + " are committed");
      Thread.sleep(LOOK_MS);
    }
  }

  private static long committed(KafkaStreams streams) {
    long sum = 0;
    for (ThreadMetadata thread : streams.metadataForLocalThreads())
      for (TaskMetadata task : thread.activeTasks()) for (long offset : task.committedOffsets().values()) sum += Math.max(0, offset);
    return sum;
  }

  private void tellDone() throws IOException {
    double ms = (System.nanoTime() - beganNs) / 1e6;
    double cpuMs = (SYSTEM.getProcessCpuTime() - beganCpuNs) / 1e6;
    out.printf(Locale.ROOT, "{\"type\":\"done\",\"ms\":%.3f,\"cpuMs\":%.3f,\"peakBytes\":%d}%n", ms, cpuMs, peakBytes());
  }

  /** The most memory that was resident, or 0 where the system does not tell. */
  private static long peakBytes() throws IOException {
    Path status = Path.of("/proc/self/status");
    if (!Files.exists(status)) return 0;
    for (String line : Files.readAllLines(status)) if (line.startsWith("VmHWM:")) return 1024 * Long.parseLong(line.replaceAll("\\D", ""));
    return 0;
  }

  private void writeState(KafkaStreams streams) throws IOException {
    try (PrintWriter file = new PrintWriter(argument("state-file"), StandardCharsets.UTF_8)) {
      if (work().equals("restore")) {
        var kept = streams.store(StoreQueryParameters.fromNameAndType(STORE, QueryableStoreTypes.<String, Long>keyValueStore()));
        try (KeyValueIterator<String, Long> all = kept.all()) {
          all.forEachRemaining(entry -> file.println(entry.key + "\t" + entry.value));
        }
      } else {
        var kept = streams.store(StoreQueryParameters.fromNameAndType(STORE, QueryableStoreTypes.<String, Long>timestampedKeyValueStore()));
        try (KeyValueIterator<String, ValueAndTimestamp<Long>> all = kept.all()) {
          all.forEachRemaining(entry -> file.println(entry.key + "\t" + entry.value.value()));
        }
      }
    }
  }
}
