import java.util.HashMap;
import java.util.Map;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.RemoveMembersFromConsumerGroupOptions;

/** What programs with a Kafka Streams application have in common. Their arguments are {@code --name value}. */
abstract class StreamsProgram {
  private final Map<String, String> arguments = new HashMap<>();

  StreamsProgram(String[] args) {
    for (int i = 0; i + 1 < args.length; i += 2) arguments.put(args[i].substring(2), args[i + 1]);
  }

  final String argument(String name) {
    String value = arguments.get(name);
    if (value == null) throw new IllegalArgumentException("--" + name + " is missing");
    return value;
  }

  /** Kafka Streams stays in its group for a session when it is closed, and nobody of another kind may join meanwhile. */
  final void leaveGroup() throws Exception {
    try (Admin admin = Admin.create(Map.of("bootstrap.servers", argument("brokers")))) {
      admin.removeMembersFromConsumerGroup(argument("application-id"), new RemoveMembersFromConsumerGroupOptions()).all().get();
    }
  }
}
