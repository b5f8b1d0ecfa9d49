import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Properties;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.common.utils.Bytes;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StoreQueryParameters;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.Topology;
import org.apache.kafka.streams.errors.StreamsUncaughtExceptionHandler.StreamThreadExceptionResponse;
import org.apache.kafka.streams.kstream.Consumed;
import org.apache.kafka.streams.kstream.Grouped;
import org.apache.kafka.streams.kstream.KGroupedStream;
import org.apache.kafka.streams.kstream.KTable;
import org.apache.kafka.streams.kstream.Materialized;
import org.apache.kafka.streams.kstream.SessionWindows;
import org.apache.kafka.streams.kstream.TimeWindows;
import org.apache.kafka.streams.kstream.Windowed;
import org.apache.kafka.streams.processor.api.Processor;
import org.apache.kafka.streams.processor.api.ProcessorContext;
import org.apache.kafka.streams.processor.api.Record;
import org.apache.kafka.streams.state.KeyValueIterator;
import org.apache.kafka.streams.state.KeyValueStore;
import org.apache.kafka.streams.state.QueryableStoreTypes;
import org.apache.kafka.streams.state.SessionStore;
import org.apache.kafka.streams.state.Stores;
import org.apache.kafka.streams.state.ValueAndTimestamp;
import org.apache.kafka.streams.state.WindowStore;

/**
 * A Kafka Streams application that counts records by key in one store, for tests of who can read whose changelog. Arguments are {@code --name value}:
 *
 * <pre>
 * --brokers --application-id --state-dir --input --store
 * --kind        key-value | timestamped | window | session
 * --records     how many it counts before it ends; 0: it only restores
 * --window-ms   size of a window, or the gap that ends a session
 * --grace-ms    how late records may be
 * --retention-ms of windows and sessions
 * </pre>
 *
 * When it has counted them it writes the whole store to stdout, an object of JSON a line, commits, leaves its group and ends. It ends with 1, and says why on
 * stderr, if it can't.
 */
public final class CountingApp extends StreamsProgram {
  private static final Duration LIMIT = Duration.ofSeconds(90);

  private final String store;
  private final CountDownLatch counted;
  private final CountDownLatch running = new CountDownLatch(1);
  private volatile Throwable failure;

  private CountingApp(String[] args) {
    super(args);
    this.store = argument("store");
    this.counted = new CountDownLatch(Integer.parseInt(argument("records")));
  }

  public static void main(String[] args) throws Exception {
    System.exit(new CountingApp(args).run());
  }

  private int run() throws Exception {
    try (KafkaStreams streams = new KafkaStreams(topology(), settings())) {
      streams.setUncaughtExceptionHandler(
          error -> {
            failure = error;
            while (counted.getCount() > 0) counted.countDown();
            running.countDown();
            return StreamThreadExceptionResponse.SHUTDOWN_CLIENT;
          });
      streams.setStateListener(
          (now, before) -> {
            if (now == KafkaStreams.State.RUNNING) running.countDown();
          });
      streams.start();
      boolean inTime = running.await(LIMIT.toSeconds(), TimeUnit.SECONDS) && counted.await(LIMIT.toSeconds(), TimeUnit.SECONDS);
      if (failure != null) throw new IllegalStateException("the application failed", failure);
      if (!inTime) throw new IllegalStateException("in state " + streams.state() + ", " + counted.getCount() + " records are missing");
      PrintStream out = new PrintStream(System.out, true, StandardCharsets.UTF_8);
      print(streams, out);
      if (!streams.close(LIMIT)) throw new IllegalStateException("it did not close in time");
      leaveGroup();
      return 0;
    } catch (IllegalStateException error) {
      error.printStackTrace();
      return 1;
    }
  }

  private Properties settings() {
    Properties settings = new Properties();
    settings.put(StreamsConfig.BOOTSTRAP_SERVERS_CONFIG, argument("brokers"));
    settings.put(StreamsConfig.APPLICATION_ID_CONFIG, argument("application-id"));
    settings.put(StreamsConfig.STATE_DIR_CONFIG, argument("state-dir"));
    settings.put(StreamsConfig.COMMIT_INTERVAL_MS_CONFIG, 100);
    settings.put(StreamsConfig.STATESTORE_CACHE_MAX_BYTES_CONFIG, 0);
    settings.put(StreamsConfig.DEFAULT_KEY_SERDE_CLASS_CONFIG, Serdes.StringSerde.class);
    settings.put(StreamsConfig.DEFAULT_VALUE_SERDE_CLASS_CONFIG, Serdes.StringSerde.class);
    return settings;
  }

  private Topology topology() {
    if (argument("kind").equals("key-value")) return plainTopology();
    StreamsBuilder builder = new StreamsBuilder();
    KGroupedStream<String, String> grouped =
        builder
            .stream(argument("input"), Consumed.with(Serdes.String(), Serdes.String()))
            .groupByKey(Grouped.with(Serdes.String(), Serdes.String()));
    KTable<?, Long> counts =
        switch (argument("kind")) {
          case "timestamped" ->
              grouped.count(
                  Materialized.<String, Long, KeyValueStore<Bytes, byte[]>>as(store)
                      .withKeySerde(Serdes.String())
                      .withValueSerde(Serdes.Long()));
          case "window" ->
              grouped
                  .windowedBy(TimeWindows.ofSizeAndGrace(millis("window-ms"), millis("grace-ms")))
                  .count(
                      Materialized.<String, Long, WindowStore<Bytes, byte[]>>as(store)
                          .withKeySerde(Serdes.String())
                          .withValueSerde(Serdes.Long())
                          .withRetention(millis("retention-ms")));
          case "session" ->
              grouped
                  .windowedBy(SessionWindows.ofInactivityGapAndGrace(millis("window-ms"), millis("grace-ms")))
                  .count(
                      Materialized.<String, Long, SessionStore<Bytes, byte[]>>as(store)
                          .withKeySerde(Serdes.String())
                          .withValueSerde(Serdes.Long())
                          .withRetention(millis("retention-ms")));
          default -> throw new IllegalArgumentException("no kind of store: " + argument("kind"));
        };
    // One update a record: nothing is cached. Sessions that were merged into another go with an update of their own, which has no count.
    counts
        .toStream()
        .foreach(
            (key, count) -> {
              if (count != null) counted.countDown();
            });
    return builder.build();
  }

  /** The plain store, which the DSL no longer makes. */
  private Topology plainTopology() {
    return new Topology()
        .addSource("in", Serdes.String().deserializer(), Serdes.String().deserializer(), argument("input"))
        .addProcessor("count", Counter::new, "in")
        .addStateStore(
            Stores.keyValueStoreBuilder(Stores.persistentKeyValueStore(store), Serdes.String(), Serdes.Long()).withCachingDisabled(), "count");
  }

  private final class Counter implements Processor<String, String, Void, Void> {
    private KeyValueStore<String, Long> counts;

    @Override
    public void init(ProcessorContext<Void, Void> context) {
      counts = context.getStateStore(store);
    }

    @Override
    public void process(Record<String, String> record) {
      Long before = counts.get(record.key());
      counts.put(record.key(), before == null ? 1 : before + 1);
      counted.countDown();
    }
  }

  private void print(KafkaStreams streams, PrintStream out) {
    switch (argument("kind")) {
      case "key-value" -> {
        var kept = streams.store(StoreQueryParameters.fromNameAndType(store, QueryableStoreTypes.<String, Long>keyValueStore()));
        try (KeyValueIterator<String, Long> all = kept.all()) {
          all.forEachRemaining(entry -> out.printf("{\"key\":%s,\"value\":%d}%n", quoted(entry.key), entry.value));
        }
      }
      case "timestamped" -> {
        var kept = streams.store(StoreQueryParameters.fromNameAndType(store, QueryableStoreTypes.<String, Long>timestampedKeyValueStore()));
        try (KeyValueIterator<String, ValueAndTimestamp<Long>> all = kept.all()) {
          all.forEachRemaining(
              entry ->
                  out.printf(
                      "{\"key\":%s,\"value\":%d,\"timestamp\":%d}%n", quoted(entry.key), entry.value.value(), entry.value.timestamp()));
        }
      }
      case "window" -> {
        var kept = streams.store(StoreQueryParameters.fromNameAndType(store, QueryableStoreTypes.<String, Long>timestampedWindowStore()));
        try (KeyValueIterator<Windowed<String>, ValueAndTimestamp<Long>> all = kept.all()) {
          all.forEachRemaining(
              entry ->
                  out.printf(
                      "{\"key\":%s,\"start\":%d,\"value\":%d}%n",
                      quoted(entry.key.key()), entry.key.window().start(), entry.value.value()));
        }
      }
      default -> {
        var kept = streams.store(StoreQueryParameters.fromNameAndType(store, QueryableStoreTypes.<String, Long>sessionStore()));
        // Of all keys.
        try (KeyValueIterator<Windowed<String>, Long> all = kept.fetch(null, null)) {
          all.forEachRemaining(
              entry ->
                  out.printf(
                      "{\"key\":%s,\"start\":%d,\"end\":%d,\"value\":%d}%n",
                      quoted(entry.key.key()), entry.key.window().start(), entry.key.window().end(), entry.value));
        }
      }
    }
  }

  private static String quoted(String text) {
    return '"' + text.replace("\\", "\\\\").replace("\"", "\\\"") + '"';
  }

  private Duration millis(String name) {
    return Duration.ofMillis(Long.parseLong(argument(name)));
  }
}
