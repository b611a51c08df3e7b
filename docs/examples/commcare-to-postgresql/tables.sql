-- The tables of the job. `form` stores the complete form beside the separate columns.
CREATE TABLE household (id text PRIMARY KEY, village text);
CREATE TABLE visit (
    id text PRIMARY KEY,
    household text REFERENCES household,
    worker text,
    finished timestamptz,
    form jsonb
);
CREATE TABLE member (
    id text PRIMARY KEY,
    household text REFERENCES household,
    name text NOT NULL,
    born date,
    sleeps_under_net boolean
);
