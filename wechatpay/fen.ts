/** Money on the v3 API: an integer number of fen (1/100 yuan). Never a fraction, never yuan. */
export type Fen = number;
