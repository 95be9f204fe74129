import com.ericsson.otp.erlang.OtpConnection;
import com.ericsson.otp.erlang.OtpErlangAtom;
import com.ericsson.otp.erlang.OtpErlangList;
import com.ericsson.otp.erlang.OtpErlangObject;
import com.ericsson.otp.erlang.OtpPeer;
import com.ericsson.otp.erlang.OtpSelf;
import java.io.BufferedReader;
import java.io.InputStreamReader;

/**
 * Calls erlang:node/0 on a node with JInterface, one call after the other.
 *
 * <p>Arguments: its own node name, and the node's. The cookie is in BENCH_COOKIE, EPMD's port in
 * ERL_EPMD_PORT. It prints "ready"; for each line of milliseconds a line of nanoseconds and calls. It ends
 * when its input does.
 */
public final class Calls {
  public static void main(String[] arguments) throws Exception {
    OtpSelf self = new OtpSelf(arguments[0], System.getenv("BENCH_COOKIE"));
    OtpConnection connection = self.connect(new OtpPeer(arguments[1]));
    BufferedReader input = new BufferedReader(new InputStreamReader(System.in));
    System.out.println("ready");
    for (String line = input.readLine(); line != null; line = input.readLine()) {
      measure(connection, arguments[1], Long.parseLong(line) * 1_000_000);
    }
    connection.close();
  }

  private static void measure(OtpConnection connection, String node, long duration)
      throws Exception {
    long start = System.nanoTime();
    long count = 0;
    long now;
    do {
      connection.sendRPC("erlang", "node", new OtpErlangList());
      OtpErlangObject answer = connection.receiveRPC();
      if (!(answer instanceof OtpErlangAtom) || !((OtpErlangAtom) answer).atomValue().equals(node)) {
        throw new IllegalStateException("the node answered " + answer);
      }
      count++;
      now = System.nanoTime();
    } while (now - start < duration);
    System.out.println((now - start) + " " + count);
  }
}
