#!/usr/bin/env python3
"""TLS in front of a plain service: tls_front.py CERTIFICATE KEY PORT. Prints its own port."""
import socket
import ssl
import sys
import threading


def pump(source, target):
    try:
        while data := source.recv(65536):
            target.sendall(data)
    except OSError:
        pass
    for end in (source, target):
        try:
            end.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass


def serve(plain, context, port):
    try:
        front = context.wrap_socket(plain, server_side=True)
        back = socket.create_connection(("127.0.0.1", port))
    except OSError:  # a client that does not trust us
        plain.close()
        return
    threading.Thread(target=pump, args=(front, back), daemon=True).start()
    pump(back, front)


def main():
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(sys.argv[1], sys.argv[2])
    listener = socket.create_server(("127.0.0.1", 0), backlog=64)
    print(listener.getsockname()[1], flush=True)

    def accept():
        while True:
            plain, _ = listener.accept()
            threading.Thread(target=serve, args=(plain, context, int(sys.argv[3])), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    threading.Event().wait()


main()
