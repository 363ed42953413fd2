import { connect, type Socket } from 'node:net';

/** An answer, its header names in lower case. */
export interface PlainAnswer {
  status: number;
  headers: Map<string, string>;
  body: string;
}

const END_OF_HEAD = Buffer.from('\r\n\r\n');

/**
 * One kept connection that makes one request after the other: HTTP/1.1 with as little work as a load generator can do, because its cost is
 * taken from what it measures. Answers must have a Content-Length.
 */
export class PlainConnection {
  readonly #socket: Socket;
  readonly #host: string;
  #received: Buffer = Buffer.alloc(0);
  #waiting: { resolve: (answer: PlainAnswer) => void; reject: (error: Error) => void } | undefined;

  /** @param url `http://host:port` */
  constructor(url: string) {
    const { hostname, port, host } = new URL(url);
    this.#host = host;
    this.#socket = connect({ host: hostname, port: Number(port), noDelay: true });
    this.#socket.on('data', (chunk: Buffer) => this.#receive(chunk));
    this.#socket.on('error', (error) => this.#fail(error));
    this.#socket.on('close', () => this.#fail(new Error('the connection was closed')));
  }

  /** @throws Error when the connection breaks, or an answer is not understood */
  post(path: string, headers: Readonly<Record<string, string>>, body = ''): Promise<PlainAnswer> {
    let head = `POST ${path} HTTP/1.1\r\nHost: ${this.#host}\r\nContent-Length: ${Buffer.byteLength(body)}\r\n`;
    for (const name in headers) head += `${name}: ${headers[name]}\r\n`;
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject };
      this.#socket.write(`${head}\r\n${body}`);
    });
  }

  close(): void {
    this.#socket.destroy();
  }

  #receive(chunk: Buffer): void {
    this.#received = this.#received.length > 0 ? Buffer.concat([this.#received, chunk]) : chunk;
    const end = this.#received.indexOf(END_OF_HEAD);
    if (end < 0) return;
    const [first = '', ...lines] = this.#received.toString('latin1', 0, end).split('\r\n');
    const headers = new Map<string, string>();
    for (const line of lines) {
      const colon = line.indexOf(':');
      headers.set(line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim());
    }
    const start = end + END_OF_HEAD.length;
    const length = Number(headers.get('content-length') ?? Number.NaN);
    if (!Number.isInteger(length)) {
      this.#fail(new Error(`an answer has no Content-Length: ${first}`));
      return;
    }
    if (this.#received.length < start + length) return;
    const body = this.#received.toString('utf8', start, start + length);
    this.#received = this.#received.subarray(start + length);
    const waiting = this.#waiting;
    this.#waiting = undefined;
    waiting?.resolve({ status: Number(first.split(' ')[1]), headers, body });
  }

  #fail(error: Error): void {
    this.#waiting?.reject(error);
    this.#waiting = undefined;
    this.#socket.destroy();
  }
}
